/**
 * What a relayed connection asks of a transport, and what a transport tells it. A range of bytes that was received holds during the
 * call; when it was not taken whole, the transport keeps what is left of it: it may rely on the other side being held back
 * until `drained`.
 */
import type { Target } from '../../balance/balancer.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { Lack } from '../shortage.ts';
import type { TcpSession } from './session.ts';

/** Who is at the two ends of a client's connection. */
export interface Peers {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The name that a client asked for whose TLS ends here; undefined: it does not. */
  readonly serverName?: string;
}

/** One side of a relayed connection. It is closed by itself when both of its directions have ended. */
export interface TcpLink {
  /** False: the peer is slow, hold the other side back until `drained`. */
  send(bytes: Uint8Array, start: number, end: number): boolean;
  /** Bytes may go to the other side by themselves from now on: the session hears `passed` (`upstreamPassed`) of such ones. */
  pair?(other: TcpLink): void;
  /** A side is paused when it is made: nothing is read before the first `resume`. */
  pause(): void;
  resume(): void;
  /** Half-close behind everything sent. */
  end(): void;
  /** Close behind everything sent. No event of it reaches the session afterwards. */
  finish(): void;
  /** Ends it at once, so that the peer sees an error where the transport can. No event of it reaches the session afterwards. */
  reset(): void;
}

/** The connection to an instance. Its events: `opened`, `upstreamReceived`, `upstreamDrained`, `upstreamProgressed`, `upstreamEnded`, `upstreamGone`. */
export interface TcpUpstreamLink extends TcpLink {
  readonly target: Target;
  readonly connected: boolean;
  /** Why it could not be opened, when that is our own doing and says nothing about the instance. */
  readonly lack: Lack | undefined;
  /** Why it could not be opened, in words. */
  readonly trouble: string;
}

export interface TcpTransport {
  /** A new connection to the instance. Never calls back before it returns. */
  open(session: TcpSession, target: Target): TcpUpstreamLink;
}
