import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { HandleSocket } from '../net/handle-socket.ts';
import { readInto } from '../net/native-stream.ts';
import { type OpenWire, tell, type Wire, type WireEvents } from '../net/wire.ts';
import type { SecureHandle } from './secure-handle.ts';
import { SecureSender } from './secure-stream.ts';
import { type Secured, securityOf } from './secured.ts';

/** A client's connection behind its handshake. To be opened in the turn in which the handshake ends. */
export function secureWire(secured: Secured, buffer: Buffer): OpenWire {
  return (events) =>
    secured instanceof TLSSocket ? socketWire(secured, buffer, events) : handleWire(secured, buffer, events);
}

function handleWire(handle: SecureHandle, buffer: Buffer, events: WireEvents): Wire {
  const socket = new HandleSocket(handle, buffer, events);
  handle.onerror = (error) => socket.destroy(error);
  const sender = new SecureSender(socket, () => events.drained());
  sender.open();
  return {
    socket,
    sender,
    security: securityOf(handle),
    begin: () => socket.resume(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    reset: () => socket.resetAndDestroy(),
  };
}

function socketWire(socket: TLSSocket, buffer: Buffer, events: WireEvents): Wire {
  tell(socket, events);
  const sender = new SecureSender(socket, () => events.drained());
  sender.open();
  const { pause, resume } = readInto(socket, buffer, (length) => events.received(length));
  // The fields, and their order, are those of every other wire: all are of one shape.
  return {
    socket,
    sender,
    security: securityOf(socket),
    begin: () => void socket.resume(),
    pause,
    resume,
    reset: () => reset(socket),
  };
}

/** A TLS socket cannot be reset itself; the one below it can, and takes it along. One that we dialled has none below it. */
function reset(socket: TLSSocket): void {
  const { _parent: below } = socket as unknown as { _parent?: Socket | null };
  if (below) below.resetAndDestroy();
  else socket.destroy();
}
