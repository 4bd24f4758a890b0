import { connect, type Socket } from 'node:net';
import type { Target } from '../../balance/balancer.ts';
import { lookUp, lookUpTrouble } from '../look-up.ts';
import { nodeTurn } from '../node-turn.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { TcpTransport, TcpUpstreamLink } from '../tcp/links.ts';
import type { TcpSession } from '../tcp/session.ts';
import { BulkReader } from './bulk-reader.ts';
import { dial } from './dialled-socket.ts';
import type { HandleSocket } from './handle-socket.ts';
import type { ListenerHome } from './listener-kind.ts';
import {
  handleRelayWire,
  type OpenRelayWire,
  openWire,
  type RelayEvents,
  secureRelayWire,
} from './relay-wire.ts';
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
  /** Ends it before it is connected. */
  readonly #socket: { destroy(): unknown };
  /** Once it is connected. */
  #end: TcpEnd | undefined;
  #isOver = false;

  constructor(home: ListenerHome, session: TcpSession, target: Target) {
    nodeTurn.isDue = true;
    this.target = target;
    this.#session = session;
    const { readBuffer: shared, dialer } = home;
    const { tls } = target;
    if (tls === undefined) this.#socket = this.#dial(shared) ?? this.#connect(shared);
    else {
      const socket = dialer.connect(target, tls);
      this.#socket = socket;
      this.#listen(socket, 'secureConnect', () => secureRelayWire(socket, shared));
    }
  }

  /** By its handle alone, where that can be done. */
  #dial(shared: Buffer): HandleSocket | undefined {
    const reader = new BulkReader(shared, (bytes, length) => this.received(bytes, length));
    const { host, port } = this.target;
    const socket: HandleSocket | undefined = dial(host, port, shared, {
      opened: () => this.#opened(handleRelayWire(socket!, reader, shared)),
      failed: (error) => this.#failed(error),
      received: (length) => reader.read(length),
      ended: () => this.ended(),
      closed: (isClean) => this.closed(isClean),
    });
    return socket;
  }

  #connect(shared: Buffer): Socket {
    const reader = new BulkReader(shared, (bytes, length) => this.received(bytes, length));
    const { host, port } = this.target;
    const { lookup } = lookUp;
    const how = { host, port, lookup, allowHalfOpen: true, noDelay: true, onread: reader.onread };
    const socket = connect(how as { host: string; port: number });
    this.#listen(socket, 'connect', () => openWire(socket, reader, shared));
    return socket;
  }

  /** Until it is connected: then its wire does. */
  #listen(socket: Socket, ready: string, wire: () => OpenRelayWire): void {
    socket.on(ready, () => this.#opened(wire()));
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', (hadError: boolean) => {
      if (!this.connected) this.closed(!hadError);
    });
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.connected) return;
    this.lack = lackOf(error.code);
    if (error.code !== 'ECONNREFUSED') this.trouble = lookUpTrouble(error, this.target.host) ?? error.message;
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
    nodeTurn.isDue = true;
    this.#isOver = true;
    if (this.#end === undefined) this.#socket.destroy();
    else this.#end.finish();
  }

  reset(): void {
    nodeTurn.isDue = true;
    this.#isOver = true;
    if (this.#end === undefined) this.#socket.destroy();
    else this.#end.reset();
  }
}
