/** Sockets for relays. */
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { secureWire } from '../tls/secure-wire.ts';
import { BulkReader } from './bulk-reader.ts';
import { RelaySender } from './relay-sender.ts';
import type { ByteSender } from './sender.ts';
import { type OpenWire, takenWire } from './wire.ts';

/** A connected socket for a relay, in clear text or behind TLS. */
export interface RelayWire {
  /** For its ends and errors. */
  readonly socket: Socket;
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
}

/** `handle`: the accepted connection as libuv hands it over. `shared`: what all sockets read into. */
export function acceptedWire(handle: object, shared: Buffer, events: RelayEvents): RelayWire {
  const reader = new BulkReader(shared, (bytes, length) => events.received(bytes, length));
  // By hand: nothing is read before there is somewhere to send it.
  const options = { handle, allowHalfOpen: true, manualStart: true, onread: reader.onread };
  const socket = new Socket(options);
  return openWire(socket, reader, shared, events);
}

/** A socket that is connected. */
export function openWire(socket: Socket, reader: BulkReader, shared: Buffer, events: RelayEvents): RelayWire {
  const sender = new RelaySender(socket, shared, () => events.drained());
  sender.open();
  reader.attach(socket);
  return {
    socket,
    sender,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    reset: () => void socket.resetAndDestroy(),
    released: (isHeld) => reader.release(isHeld),
  };
}

/** A socket that something was read from already, and nothing is left in it. */
export function takenRelayWire(socket: Socket, shared: Buffer, events: RelayEvents): RelayWire {
  const wire = relaying(takenWire(socket, shared), socket, shared, events);
  wire.pause();
  return wire;
}

/** A connection behind its handshake, in the turn in which that ends. */
export function secureRelayWire(socket: TLSSocket, shared: Buffer, events: RelayEvents): RelayWire {
  return relaying(secureWire(socket, shared), socket, shared, events);
}

/** A wire of HTTP's as one for a relay, which listens for ends by itself. */
function relaying(open: OpenWire, socket: Socket, shared: Buffer, events: RelayEvents): RelayWire {
  const wire = open({
    received: (length) => events.received(shared, length),
    drained: () => events.drained(),
    ended() {},
    closed() {},
  });
  return { ...wire, socket, released() {} };
}
