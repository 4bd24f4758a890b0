import { getSystemErrorName } from 'node:util';
import type { Target } from '../../balance/balancer.ts';
import type { UpstreamLink } from '../http1/links.ts';
import type { Session } from '../http1/session.ts';
import { type Lack, lackOf } from '../shortage.ts';
import { dial } from './calls.ts';
import type { Loop } from './loop.ts';
import type { Addresses, Names } from './names.ts';
import { RingSocket } from './socket.ts';

/** What a connection needs of the pool it belongs to. */
export interface UpstreamHome {
  readonly loop: Loop;
  readonly names: Names;
  /** It may carry another exchange. */
  returned(connection: UpstreamConnection): void;
  /** It is gone; it may have been idle. */
  left(connection: UpstreamConnection): void;
}

/** A connection to an instance: of one session at a time, or idle in the pool. */
export class UpstreamConnection extends RingSocket implements UpstreamLink {
  readonly target: Target;
  reused = false;
  connected = false;
  lack: Lack | undefined;
  readonly trouble = 'connection refused';
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince = 0;
  #session: Session | undefined;
  readonly #home: UpstreamHome;

  constructor(home: UpstreamHome, target: Target, session: Session) {
    super(home.loop);
    this.#home = home;
    this.target = target;
    this.#session = session;
    const { host } = target;
    const addresses = home.names.find(host, home.loop.now, (found) => this.#dial(found));
    if (addresses !== undefined) this.#dial(addresses);
  }

  #dial(addresses: Addresses): void {
    for (const address of addresses) {
      const { fd, isPending } = dial(this.loop, address, this.target.port);
      if (fd < 0) {
        this.lack = lackOf(getSystemErrorName(fd));
        continue;
      }
      this.lack = undefined;
      if (isPending) this.connecting(fd);
      else {
        this.connected = true;
        this.opened(fd);
      }
      return;
    }
    this.fail();
  }

  /** Takes it out of the pool for a session. */
  reuse(session: Session): void {
    this.reused = true;
    this.#session = session;
  }

  /** Whether a request can still go out on it. */
  get isUsable(): boolean {
    return this.isOpen && !this.hasEnded;
  }

  release(): void {
    this.#session = undefined;
    if (!this.isUsable || !this.isEmpty) {
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

  protected onConnected(): void {
    this.connected = true;
    this.#session?.dispatch.opened(this);
  }

  protected onReceived(start: number, end: number): void {
    if (this.#session !== undefined) this.#session.upstreamReceived(start, end);
    // Nobody asked for anything: whatever it is, it is no answer to the next request.
    else super.destroy();
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
