import { Socket } from 'node:net';
import type { Endpoint, ProxyHeader } from '../proxy-protocol.ts';
import type { AcceptedHandle } from './acceptor.ts';
import { isTcpHandle, type TcpHandle } from './handle-socket.ts';

/** An accepted connection before it is known what it speaks: libuv's handle alone, a socket where handles cannot be used. */
export type Accepted = TcpHandle | Socket;

/** What is known of one. */
export interface Before {
  /** What was read of it. */
  readonly bytes: Buffer;
  /** The client's address, when somebody said it who knows better than the connection. */
  readonly address: string | undefined;
  /** Both ends, when they said more. */
  readonly ends?: ProxyHeader['ends'];
}

/** Of one that was just accepted. */
export const NOTHING_BEFORE: Before = { bytes: Buffer.alloc(0), address: undefined };

/** `handle`: as libuv hands it over. Nobody reads it. */
export function acceptedOf(handle: AcceptedHandle): Accepted {
  return isTcpHandle(handle) ? handle : socketOn(handle);
}

/** For what needs one. Nobody reads it. */
export function socketOf(accepted: Accepted): Socket {
  return accepted instanceof Socket ? accepted : socketOn(accepted);
}

function socketOn(handle: object): Socket {
  return new Socket({ handle, allowHalfOpen: true, manualStart: true } as { allowHalfOpen: boolean });
}

/** Where the client is. */
export function sourceOf(accepted: Accepted): Endpoint {
  if (accepted instanceof Socket)
    return { address: accepted.remoteAddress ?? '', port: accepted.remotePort ?? 0 };
  const source: Partial<Endpoint> = {};
  accepted.getpeername(source);
  return { address: source.address ?? '', port: source.port ?? 0 };
}
