import { connect, type Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { UpstreamLink } from '../http1/links.ts';
import { READ } from '../http1/memory.ts';
import type { Session } from '../http1/session.ts';
import { type Lack, lackOf } from '../shortage.ts';
import { readDirectly } from './native-stream.ts';
import { Sender } from './sender.ts';

/** What a connection needs of the pool it belongs to. */
export interface UpstreamHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  /** It may carry another exchange. */
  returned(connection: UpstreamConnection): void;
  /** It is gone; it may have been idle. */
  left(connection: UpstreamConnection): void;
}

/** A connection to an instance: of one session at a time, or idle in the pool. */
export class UpstreamConnection implements UpstreamLink {
  readonly target: Target;
  reused = false;
  connected = false;
  lack: Lack | undefined;
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince = 0;
  #session: Session | undefined;
  readonly #home: UpstreamHome;
  readonly #socket: Socket;
  readonly #sender: Sender;
  #ended = false;
  #paused = false;

  constructor(home: UpstreamHome, target: Target, session: Session) {
    this.#home = home;
    this.target = target;
    this.#session = session;
    const received = (length: number) => {
      if (this.#session !== undefined) this.#session.upstreamReceived(READ, READ + length);
      // Nobody asked for anything: whatever it is, it is no answer to the next request.
      else this.#socket.destroy();
    };
    const socket = connect({
      host: target.host,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      onread: {
        buffer: home.readBuffer,
        callback: (length: number): boolean => {
          received(length);
          return true;
        },
      },
    });
    this.#socket = socket;
    this.#sender = new Sender(socket, () => this.#session?.upstreamDrained());
    socket.on('connect', () => {
      this.connected = true;
      this.#sender.open();
      readDirectly(socket, received);
      this.#session?.dispatch.opened(this);
    });
    socket.on('end', () => {
      this.#ended = true;
      if (this.#session !== undefined) this.#session.upstreamEnded(this);
      else socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Anything else about an error is said by the close that follows.
      if (!this.connected) this.lack = lackOf(error.code);
    });
    socket.on('close', (hadError: boolean) => {
      home.left(this);
      const left = this.#session;
      this.#session = undefined;
      left?.upstreamClosed(this, !hadError);
    });
  }

  /** Takes it out of the pool for a session. */
  reuse(session: Session): void {
    this.reused = true;
    this.idleSince = 0;
    this.#session = session;
  }

  /** Whether a request can still go out on it. */
  get isUsable(): boolean {
    return !this.#ended && !this.#socket.destroyed && this.#socket.writable;
  }

  give(block: Uint8Array): boolean {
    return this.#sender.give(block);
  }

  send(start: number, end: number): boolean {
    return this.#sender.send(this.#home.engine.memory, start, end);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  release(): void {
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
    this.#session = undefined;
    this.#socket.destroy();
  }
}
