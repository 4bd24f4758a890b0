import type { Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { READ } from '../http1/memory.ts';
import { lookUpTrouble } from '../look-up.ts';
import { nodeTurn } from '../node-turn.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { Dialer } from '../tls/dialer.ts';
import { HandleSocket } from './handle-socket.ts';
import { dialInstance, type InstanceEvents } from './instance-wire.ts';
import type { ByteSender } from './sender.ts';

/** What a connection needs of the pool it belongs to. */
export interface UpstreamHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly dialer: Dialer;
  /** It may carry another exchange. */
  returned(connection: UpstreamConnection): void;
  /** It is gone; it may have been idle. */
  left(connection: UpstreamConnection): void;
}

/** A connection to an instance: of one session at a time, or idle in the pool. */
export class UpstreamConnection implements UpstreamLink, InstanceEvents {
  readonly target: Target;
  reused = false;
  connected = false;
  lack: Lack | undefined;
  trouble = 'connection refused';
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince = 0;
  #session: Asking | undefined;
  readonly #home: UpstreamHome;
  readonly #socket: HandleSocket | Socket;
  readonly #sender: ByteSender;
  #ended = false;
  #paused = false;

  constructor(home: UpstreamHome, target: Target, session: Asking) {
    nodeTurn.isDue = true;
    this.#home = home;
    this.target = target;
    this.#session = session;
    const { socket, sender } = dialInstance(home.dialer, target, home.readBuffer, this);
    this.#socket = socket;
    this.#sender = sender;
  }

  // What is heard of it

  opened(): void {
    this.connected = true;
    this.#sender.open();
    if (this.#socket instanceof HandleSocket) this.#socket.resume();
    this.#session?.dispatch.opened(this);
  }

  received(length: number): undefined {
    if (this.#session !== undefined) this.#session.upstreamReceived(READ, READ + length);
    // Nobody asked for anything: whatever it is, it is no answer to the next request.
    else this.#socket.destroy();
  }

  ended(): void {
    this.#ended = true;
    if (this.#session !== undefined) this.#session.upstreamEnded(this);
    else this.#socket.destroy();
  }

  /** Anything else about an error is said by the close that follows. */
  failed(error: NodeJS.ErrnoException): void {
    if (this.connected) return;
    this.lack = lackOf(error.code);
    this.trouble = describe(error, this.target);
  }

  closed(isClean: boolean): void {
    this.#home.left(this);
    const left = this.#session;
    this.#session = undefined;
    left?.upstreamClosed(this, isClean);
  }

  drained(): void {
    this.#session?.upstreamDrained();
  }

  /** Takes it out of the pool for a session. */
  reuse(session: Asking): void {
    this.reused = true;
    this.idleSince = 0;
    this.#session = session;
  }

  /** Whether a request can still go out on it. */
  get isUsable(): boolean {
    return !this.#ended && this.#socket.writable;
  }

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    nodeTurn.isDue = true;
    return this.#sender.send(bytes, start, end);
  }

  send(start: number, end: number): boolean {
    nodeTurn.isDue = true;
    return this.#sender.send(this.#home.engine.memory, start, end);
  }

  pause(): void {
    nodeTurn.isDue = true;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    nodeTurn.isDue = true;
    this.#socket.resume();
  }

  end(): void {
    nodeTurn.isDue = true;
    this.#sender.end();
  }

  release(): void {
    nodeTurn.isDue = true;
    this.#session = undefined;
    // What is still queued may lie in memory that the next request uses.
    if (!this.isUsable || !this.#sender.isEmpty) {
      this.#socket.destroy();
      return;
    }
    this.resume();
    this.#home.returned(this);
  }

  destroy(): void {
    nodeTurn.isDue = true;
    this.#session = undefined;
    this.#socket.destroy();
  }
}

/** Why it cannot be connected to, in words. */
function describe(error: NodeJS.ErrnoException, { host, tls }: Target): string {
  const unknown = lookUpTrouble(error, host);
  if (unknown !== undefined) return unknown;
  if (tls === undefined || error.code === 'ECONNREFUSED') return 'connection refused';
  return `no TLS connection: ${error.message}`;
}
