import { Socket } from 'node:net';
import { readDirectly, readInto } from './native-stream.ts';
import { type ByteSender, Sender } from './sender.ts';

/** What a connection hears of its wire. */
export interface WireEvents {
  /** So many bytes lie at the front of the read buffer. */
  received(length: number): void;
  /** Everything is sent after the sender said to wait. */
  drained(): void;
}

/** A client's connection with its bytes in clear text, whatever is on the line. */
export interface Wire {
  /** For its ends and errors, for pausing and closing. */
  readonly socket: Socket;
  readonly sender: ByteSender;
  /** What the Forwarded field says of its TLS; "" without. */
  readonly security: string;
  pause(): void;
  resume(): void;
  /** Closes it so that the peer sees an error. */
  reset(): void;
}

export type OpenWire = (events: WireEvents) => Wire;

/** `handle`: the accepted connection as libuv hands it over. */
export function plainWire(handle: object, buffer: Buffer): OpenWire {
  return (events) => {
    const options = {
      handle,
      allowHalfOpen: true,
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
    const sender = new Sender(socket, () => events.drained());
    sender.open();
    readDirectly(socket, (length) => events.received(length));
    return {
      socket,
      sender,
      security: '',
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      reset: () => void socket.resetAndDestroy(),
    };
  };
}

/** A socket that something was read from already, and nothing is left in it. */
export function takenWire(socket: Socket, buffer: Buffer): OpenWire {
  return (events) => {
    const sender = new Sender(socket, () => events.drained());
    sender.open();
    const flow = readInto(socket, buffer, (length) => events.received(length));
    return { socket, sender, ...flow, security: '', reset: () => void socket.resetAndDestroy() };
  };
}
