import { Socket } from 'node:net';
import type { Accepted } from './accepted.ts';
import { type HandleEvents, HandleSocket, isTcpHandle, type TcpHandle } from './handle-socket.ts';
import { readDirectly, readInto } from './native-stream.ts';
import { type ByteSender, Sender } from './sender.ts';

/** What a connection hears of its wire. */
export interface WireEvents extends HandleEvents {
  /** Everything is sent after the sender said to wait. */
  drained(): void;
}

/** A client's connection with its bytes in clear text, whatever is on the line. */
export interface Wire {
  readonly socket: WireSocket;
  readonly sender: ByteSender;
  /** What the Forwarded field says of its TLS; "" without. */
  readonly security: string;
  /** Reads from now on; nothing is read before. */
  begin(): void;
  pause(): void;
  resume(): void;
  /** Closes it so that the peer sees an error. */
  reset(): void;
}

/** What is on the line. */
export interface WireSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  destroy(): unknown;
}

export type OpenWire = (events: WireEvents) => Wire;

/** `handle`: the accepted connection as libuv hands it over. */
export function plainWire(handle: object, buffer: Buffer): OpenWire {
  return (events) =>
    isTcpHandle(handle) ? handleWire(handle, buffer, events) : streamWire(handle, buffer, events);
}

function handleWire(handle: TcpHandle, buffer: Buffer, events: WireEvents): Wire {
  const socket = new HandleSocket(handle, buffer, events);
  const sender = new Sender(socket, () => events.drained());
  sender.open();
  return wireOf(socket, sender);
}

/** The same in the documented way, as far as there is one. */
function streamWire(handle: object, buffer: Buffer, events: WireEvents): Wire {
  const options = {
    handle,
    allowHalfOpen: true,
    manualStart: true,
    // Given at construction or not at all: with it reads need no buffer of their own and no stream machinery.
    onread: {
      buffer,
      callback: (length: number): boolean => {
        events.received(length);
        return true;
      },
    },
  };
  const socket = new Socket(options);
  tell(socket, events);
  const sender = new Sender(socket, () => events.drained());
  sender.open();
  readDirectly(socket, (length) => events.received(length));
  return wireOf(socket, sender);
}

function wireOf(socket: Socket | HandleSocket, sender: ByteSender): Wire {
  return {
    socket,
    sender,
    security: '',
    begin: () => void socket.resume(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    reset: () => void socket.resetAndDestroy(),
  };
}

/** One that something was read from already, and nothing is left in it. */
export function takenWire(connection: Accepted, buffer: Buffer): OpenWire {
  return (events) => {
    if (!(connection instanceof Socket)) return handleWire(connection, buffer, events);
    tell(connection, events);
    const sender = new Sender(connection, () => events.drained());
    sender.open();
    const flow = readInto(connection, buffer, (length) => events.received(length));
    return { ...wireOf(connection, sender), ...flow };
  };
}

/** Of what happens to a socket besides what is read. */
export function tell(socket: Socket, events: Pick<WireEvents, 'ended' | 'closed'>): void {
  socket.on('end', () => events.ended());
  socket.on('error', ignore);
  socket.on('close', (hadError: boolean) => events.closed(!hadError));
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
