import type { Target } from '../../balance/balancer.ts';
import type { Asking, ClientLink, UpstreamLink } from '../http1/links.ts';
import { DialledSocket, type Dialling } from './dialled-socket.ts';

/** What a connection needs of the pool it belongs to. */
export interface UpstreamHome {
  readonly dialling: Dialling;
  /** It may carry another exchange. */
  returned(connection: UpstreamConnection): void;
  /** It is gone; it may have been idle. */
  left(connection: UpstreamConnection): void;
}

/** A connection to an instance: of one session at a time, or idle in the pool. */
export class UpstreamConnection extends DialledSocket implements UpstreamLink {
  reused = false;
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince = 0;
  #session: Asking | undefined;
  readonly #home: UpstreamHome;

  constructor(home: UpstreamHome, target: Target, session: Asking) {
    super(home.dialling, target);
    this.#home = home;
    this.#session = session;
  }

  /** Takes it out of the pool for a session. */
  reuse(session: Asking): void {
    this.reused = true;
    this.#session = session;
  }

  /** Whether a request can still go out on it. */
  get isUsable(): boolean {
    return this.isOpen && !this.hasEnded;
  }

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    return this.sendRange(bytes, start, end);
  }

  send(start: number, end: number): boolean {
    return this.sendRange(this.loop.arena.bytes, start, end);
  }

  pass(to: ClientLink, length: number): void {
    this.passTo(to, length);
  }

  release(): void {
    this.#session = undefined;
    if (!this.isUsable || !this.isEmpty || !this.isRead) {
      super.destroy();
      return;
    }
    this.resume();
    this.#home.returned(this);
  }

  override destroy(): void {
    this.#session = undefined;
    super.destroy();
  }

  protected onOpened(): void {
    this.#session?.dispatch.opened(this);
  }

  protected onReceived(start: number, end: number): void {
    if (this.#session !== undefined) this.#session.upstreamReceived(start, end);
    // Nobody asked for anything: whatever it is, it is no answer to the next request.
    else super.destroy();
  }

  protected override onPassed(length: number, accepted: boolean): void {
    this.#session?.passing?.response(length, accepted);
  }

  protected onEnded(): void {
    if (this.#session !== undefined) this.#session.upstreamEnded(this);
    else super.destroy();
  }

  protected onDrained(): void {
    this.#session?.upstreamDrained();
  }

  protected onProgress(): void {
    this.#session?.progressed();
  }

  protected onClosed(isClean: boolean): void {
    this.#home.left(this);
    const left = this.#session;
    this.#session = undefined;
    left?.upstreamClosed(this, isClean);
  }
}
