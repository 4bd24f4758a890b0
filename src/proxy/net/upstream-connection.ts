import { connect, type Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { READ } from '../http1/memory.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { Dialer, Reader } from '../tls/dialer.ts';
import { SecureSender } from '../tls/secure-stream.ts';
import { readDirectly } from './native-stream.ts';
import { type ByteSender, Sender } from './sender.ts';

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
export class UpstreamConnection implements UpstreamLink {
  readonly target: Target;
  reused = false;
  connected = false;
  lack: Lack | undefined;
  trouble = 'connection refused';
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince = 0;
  #session: Asking | undefined;
  readonly #home: UpstreamHome;
  readonly #socket: Socket;
  readonly #sender: ByteSender;
  #ended = false;
  #paused = false;

  constructor(home: UpstreamHome, target: Target, session: Asking) {
    this.#home = home;
    this.target = target;
    this.#session = session;
    const received = (length: number) => {
      if (this.#session !== undefined) this.#session.upstreamReceived(READ, READ + length);
      // Nobody asked for anything: whatever it is, it is no answer to the next request.
      else this.#socket.destroy();
    };
    const reader = { buffer: home.readBuffer, received };
    const drained = () => this.#session?.upstreamDrained();
    let socket: Socket;
    if (target.tls === undefined) {
      socket = connectPlain(target, reader);
      this.#sender = new Sender(socket, drained);
    } else {
      const secure = home.dialer.connect(target, target.tls, reader);
      socket = secure;
      this.#sender = new SecureSender(secure, drained);
    }
    this.#socket = socket;
    socket.on(target.tls === undefined ? 'connect' : 'secureConnect', () => {
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
      if (this.connected) return;
      this.lack = lackOf(error.code);
      this.trouble = describe(error, target);
    });
    socket.on('close', (hadError: boolean) => {
      home.left(this);
      const left = this.#session;
      this.#session = undefined;
      left?.upstreamClosed(this, !hadError);
    });
  }

  /** Takes it out of the pool for a session. */
  reuse(session: Asking): void {
    this.reused = true;
    this.idleSince = 0;
    this.#session = session;
  }

  /** Whether a request can still go out on it. */
  get isUsable(): boolean {
    return !this.#ended && !this.#socket.destroyed && this.#socket.writable;
  }

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#sender.send(bytes, start, end);
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
    this.#sender.end();
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

function connectPlain({ host, port }: Target, { buffer, received }: Reader): Socket {
  return connect({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    onread: {
      buffer,
      callback: (length: number): boolean => {
        received(length);
        return true;
      },
    },
  });
}

/** Why it cannot be connected to, in words. */
function describe({ code, message }: NodeJS.ErrnoException, { tls }: Target): string {
  if (tls === undefined || code === 'ECONNREFUSED') return 'connection refused';
  return `no TLS connection: ${message}`;
}
