/** Connections for relays. */

import { Socket } from 'node:net';
import { extend } from '../../lib/extend.ts';
import { secureWire } from '../tls/secure-wire.ts';
import type { Secured } from '../tls/secured.ts';
import type { Accepted } from './accepted.ts';
import { BulkReader } from './bulk-reader.ts';
import { HandleSocket, isTcpHandle, type TcpHandle } from './handle-socket.ts';
import { RelaySender } from './relay-sender.ts';
import type { ByteSender } from './sender.ts';
import { type OpenWire, takenWire, tell, type WireSocket } from './wire.ts';

/** A connection for a relay, in clear text or behind TLS. */
export interface RelayWire {
  readonly socket: WireSocket;
  readonly sender: ByteSender;
  pause(): void;
  resume(): void;
  /** Closes it so that the peer sees an error. */
  reset(): void;
  /** It is closed. `isHeld`: what it brought may still be on the way to the other side. */
  released(isHeld: boolean): void;
}

export interface RelayEvents {
  /** The first `length` bytes of `bytes` have come; they hold until it returns, or until they are taken. */
  received(bytes: Buffer, length: number): void;
  /** Everything is sent after the sender said to wait. */
  drained(): void;
  /** The peer sent FIN. */
  ended(): void;
  /** It is gone. `isClean`: without an error. */
  closed(isClean: boolean): void;
}

export type OpenRelayWire = (events: RelayEvents) => RelayWire;

/** `handle`: the accepted connection as libuv hands it over. `shared`: what all connections read into. */
export function acceptedWire(handle: object, shared: Buffer): OpenRelayWire {
  return (events) => {
    if (isTcpHandle(handle)) return handleWire(handle, shared, events);
    const reader = new BulkReader(shared, (bytes, length) => events.received(bytes, length));
    // By hand: nothing is read before there is somewhere to send it.
    const options = { handle, allowHalfOpen: true, manualStart: true, onread: reader.onread };
    return openWire(new Socket(options), reader, shared)(events);
  };
}

function handleWire(handle: TcpHandle, shared: Buffer, events: RelayEvents): RelayWire {
  const reader = new BulkReader(shared, (bytes, length) => events.received(bytes, length));
  const socket = new HandleSocket(handle, shared, {
    received: (length) => reader.read(length),
    ended: () => events.ended(),
    closed: (isClean) => events.closed(isClean),
  });
  return wireOf(socket, reader, shared, events);
}

/** One whose reads and ends are told already. */
export function handleRelayWire(socket: HandleSocket, reader: BulkReader, shared: Buffer): OpenRelayWire {
  return (events) => wireOf(socket, reader, shared, events);
}

/** A socket that is connected, made with the reader's `onread`. */
export function openWire(socket: Socket, reader: BulkReader, shared: Buffer): OpenRelayWire {
  return (events) => {
    tell(socket, events);
    reader.attach(socket);
    return wireOf(socket, reader, shared, events);
  };
}

function wireOf(
  socket: Socket | HandleSocket,
  reader: BulkReader,
  shared: Buffer,
  events: RelayEvents,
): RelayWire {
  const sender = new RelaySender(socket, shared, () => events.drained());
  sender.open();
  return {
    socket,
    sender,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    reset: () => void socket.resetAndDestroy(),
    released: (isHeld) => reader.release(isHeld),
  };
}

/** One that something was read from already, and nothing is left in it. */
export function takenRelayWire(connection: Accepted, shared: Buffer): OpenRelayWire {
  return (events) => relaying(takenWire(connection, shared), shared, events);
}

/** One behind its handshake, in the turn in which that ends. */
export function secureRelayWire(secured: Secured, shared: Buffer): OpenRelayWire {
  return (events) => relaying(secureWire(secured, shared), shared, events);
}

/** A wire of HTTP's as one for a relay, paused. */
function relaying(open: OpenWire, shared: Buffer, events: RelayEvents): RelayWire {
  const wire = open({
    received: (length) => {
      events.received(shared, length);
      return undefined;
    },
    drained: () => events.drained(),
    ended: () => events.ended(),
    closed: (isClean) => events.closed(isClean),
  });
  wire.pause();
  return extend(wire, { released() {} });
}
