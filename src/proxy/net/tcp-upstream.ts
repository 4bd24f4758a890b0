import { connect, type Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { TcpLink, TcpTransport, TcpUpstreamLink } from '../tcp/links.ts';
import type { TcpSession } from '../tcp/session.ts';
import { BulkReader } from './bulk-reader.ts';
import type { ListenerHome } from './listener-kind.ts';
import { openWire, type RelayEvents, secureRelayWire } from './relay-wire.ts';
import { TcpEnd } from './tcp-end.ts';

export class TcpDialer implements TcpTransport {
  readonly #home: ListenerHome;

  constructor(home: ListenerHome) {
    this.#home = home;
  }

  open(session: TcpSession, target: Target): TcpUpstreamLink {
    return new TcpUpstream(this.#home, session, target);
  }
}

/** A connection to an instance, in clear text or over TLS. */
class TcpUpstream implements TcpUpstreamLink, RelayEvents {
  readonly target: Target;
  connected = false;
  lack: Lack | undefined;
  trouble = 'connection refused';
  readonly #session: TcpSession;
  readonly #socket: Socket;
  /** Once it is connected. */
  #end: TcpLink | undefined;
  #isOver = false;

  constructor(home: ListenerHome, session: TcpSession, target: Target) {
    this.target = target;
    this.#session = session;
    const { readBuffer: shared, dialer } = home;
    const { host, port, tls } = target;
    if (tls === undefined) {
      const reader = new BulkReader(shared, (bytes, length) => this.received(bytes, length));
      const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, onread: reader.onread } as {
        host: string;
        port: number;
      });
      this.#socket = socket;
      socket.on('connect', () => this.#opened(new TcpEnd(openWire(socket, reader, shared, this))));
    } else {
      const socket = dialer.connect(target, tls);
      this.#socket = socket;
      socket.on('secureConnect', () => {
        const wire = secureRelayWire(socket, shared, this);
        this.#opened(new TcpEnd({ ...wire, reset: () => void socket.destroy() }));
      });
    }
    const socket = this.#socket;
    socket.on('end', () => {
      if (!this.#isOver) session.upstreamEnded();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.connected) return;
      this.lack = lackOf(error.code);
      if (error.code !== 'ECONNREFUSED') this.trouble = error.message;
    });
    socket.on('close', (hadError: boolean) => {
      if (!this.#isOver) session.upstreamGone(!hadError);
    });
  }

  #opened(end: TcpLink): void {
    if (this.#isOver) return;
    this.#end = end;
    this.connected = true;
    this.#session.opened();
  }

  received(bytes: Buffer, length: number): void {
    if (!this.#isOver) this.#session.upstreamReceived(bytes, 0, length);
  }

  drained(): void {
    if (!this.#isOver) this.#session.upstreamDrained();
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#end!.send(bytes, start, end);
  }

  pause(): void {
    this.#end!.pause();
  }

  resume(): void {
    this.#end!.resume();
  }

  end(): void {
    this.#end!.end();
  }

  finish(): void {
    this.#isOver = true;
    if (this.#end === undefined) this.#socket.destroy();
    else this.#end.finish();
  }

  reset(): void {
    this.#isOver = true;
    if (this.#end === undefined) this.#socket.destroy();
    else this.#end.reset();
  }
}
