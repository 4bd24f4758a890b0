import { connect, type Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { TcpTransport, TcpUpstreamLink } from '../tcp/links.ts';
import type { TcpSession } from '../tcp/session.ts';
import { BulkReader } from './bulk-reader.ts';
import type { ListenerHome } from './listener-kind.ts';
import { type OpenRelayWire, openWire, type RelayEvents, secureRelayWire } from './relay-wire.ts';
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
  #end: TcpEnd | undefined;
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
      socket.on('connect', () => this.#opened(openWire(socket, reader, shared)));
    } else {
      const socket = dialer.connect(target, tls);
      this.#socket = socket;
      socket.on('secureConnect', () => this.#opened(secureRelayWire(socket, shared)));
    }
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.connected) return;
      this.lack = lackOf(error.code);
      if (error.code !== 'ECONNREFUSED') this.trouble = error.message;
    });
    this.#socket.on('close', (hadError: boolean) => {
      if (!this.connected) this.closed(!hadError);
    });
  }

  #opened(open: OpenRelayWire): void {
    if (this.#isOver) return;
    this.#end = new TcpEnd(open(this));
    this.connected = true;
    this.#session.opened();
  }

  received(bytes: Buffer, length: number): void {
    if (!this.#isOver) this.#session.upstreamReceived(bytes, 0, length);
  }

  drained(): void {
    if (!this.#isOver) this.#session.upstreamDrained();
  }

  ended(): void {
    if (!this.#isOver) this.#session.upstreamEnded();
  }

  closed(isClean: boolean): void {
    this.#end?.closed();
    if (!this.#isOver) this.#session.upstreamGone(isClean);
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
