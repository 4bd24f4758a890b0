import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Target, TargetTls } from '../../balance/balancer.ts';
import { lookUp } from '../look-up.ts';
import type { Dialer } from '../tls/dialer.ts';
import { SecureSender } from '../tls/secure-stream.ts';
import { type DialEvents, dial } from './dialled-socket.ts';
import type { HandleSocket } from './handle-socket.ts';
import { readDirectly } from './native-stream.ts';
import { type ByteSender, Sender } from './sender.ts';

/** What a connection to an instance hears of its wire. */
export interface InstanceEvents extends DialEvents {
  /** Everything is sent after the sender said to wait. */
  drained(): void;
}

/** A connection to an instance with its bytes in clear text, whatever is on the line. */
export interface InstanceWire {
  readonly socket: HandleSocket | Socket;
  /** To be opened once the connection is. */
  readonly sender: ByteSender;
}

/** Dials. What comes is read into `buffer`. No event comes before it returns. */
export function dialInstance(
  dialer: Dialer,
  target: Target,
  buffer: Buffer,
  events: InstanceEvents,
): InstanceWire {
  const { host, port, tls } = target;
  const drained = () => events.drained();
  if (tls === undefined) {
    const socket = dial(host, port, buffer, events) ?? streamTo(target, buffer, events);
    return { socket, sender: new Sender(socket, drained) };
  }
  const socket = secureStreamTo(dialer, target, tls, buffer, events);
  return { socket, sender: new SecureSender(socket, drained) };
}

/** In the documented way, as far as there is one. */
function streamTo({ host, port }: Target, buffer: Buffer, events: DialEvents): Socket {
  const callback = (length: number): boolean => {
    events.received(length);
    return true;
  };
  const { lookup } = lookUp;
  const socket = connect({
    host,
    port,
    lookup,
    allowHalfOpen: true,
    noDelay: true,
    onread: { buffer, callback },
  });
  tellOf(socket, 'connect', events);
  return socket;
}

function secureStreamTo(
  dialer: Dialer,
  target: Target,
  tls: TargetTls,
  buffer: Buffer,
  events: DialEvents,
): TLSSocket {
  const received = (length: number): void => void events.received(length);
  const socket = dialer.connect(target, tls, { buffer, received });
  tellOf(socket, 'secureConnect', events);
  return socket;
}

function tellOf(socket: Socket, ready: string, events: DialEvents): void {
  socket.on(ready, () => {
    readDirectly(socket, (length) => events.received(length));
    events.opened();
  });
  socket.on('end', () => events.ended());
  socket.on('error', (error) => events.failed(error));
  socket.on('close', (hadError: boolean) => events.closed(!hadError));
}
