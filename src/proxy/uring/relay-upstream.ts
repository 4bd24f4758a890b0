import type { Target } from '../../balance/balancer.ts';
import type { TcpLink, TcpUpstreamLink } from '../tcp/links.ts';
import type { TcpSession } from '../tcp/session.ts';
import { DialledSocket, type Dialling } from './dialled-socket.ts';

/** The connection to an instance that a client's is relayed to. */
export class RelayUpstream extends DialledSocket implements TcpUpstreamLink {
  /** Undefined once it wants to hear nothing more. */
  #session: TcpSession | undefined;

  constructor(dialling: Dialling, session: TcpSession, target: Target) {
    super(dialling, target);
    this.#session = session;
    this.pause();
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    return this.sendRange(bytes, start, end);
  }

  pair(other: TcpLink): void {
    this.passMuchTo(other);
  }

  override finish(): void {
    this.#session = undefined;
    if (this.connected) super.finish();
    else this.destroy();
  }

  override reset(): void {
    this.#session = undefined;
    if (this.connected) super.reset();
    else this.destroy();
  }

  protected onOpened(): void {
    this.#session?.opened();
  }

  protected onReceived(start: number, end: number): void {
    this.#session?.upstreamReceived(this.loop.arena.bytes, start, end);
  }

  protected override onPassed(length: number, accepted: boolean): void {
    this.#session?.upstreamPassed(length, accepted);
  }

  protected onEnded(): void {
    this.#session?.upstreamEnded();
  }

  protected onDrained(): void {
    this.#session?.upstreamDrained();
  }

  protected onProgress(): void {
    this.#session?.upstreamProgressed();
  }

  protected onClosed(isClean: boolean): void {
    const left = this.#session;
    this.#session = undefined;
    left?.upstreamGone(isClean);
  }
}
