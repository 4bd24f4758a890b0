/**
 * What the engine asks of a transport, and what a transport tells the engine. Ranges are of the engine's memory and
 * hold only during the call: a transport that cannot send at once copies.
 */
import type { Target } from '../../balance/balancer.ts';
import type { Lack } from '../shortage.ts';

/** The client's connection. Its events go to the session: received, ended, drained, progressed, gone. */
export interface ClientLink {
  /** The client's port, for the access log; 0 where it is not known. */
  readonly remotePort?: number;
  /** What it speaks, when that is not what the engine speaks. */
  readonly proto?: 'HTTP/2.0';
  /** False: the peer is slow, hold the other side back until `session.drained`. */
  send(start: number, end: number): boolean;
  /**
   * The next `length` bytes of the client concern nobody but an instance: the transport may pass them on to it by itself, and says so to `session.passing`
   * instead of `received`. What is received all the same counts, and the session says again how much is left.
   */
  pass?(to: UpstreamLink, length: number): void;
  pause(): void;
  resume(): void;
  /** Half-close behind everything sent. */
  end(): void;
  /** Everything has been read that will be: close behind everything sent. */
  finish(): void;
  /** Half-close behind everything sent, then read and drop until the peer closes or the session says `destroy`. */
  linger(): void;
  destroy(): void;
  /** So that the peer sees an error: for a body whose end is the end of the connection. */
  reset(): void;
}

/** One connection to an instance. Its events go to the session's dispatch and reply. */
export interface UpstreamLink {
  readonly target: Target;
  /** It has carried an exchange before: a close before the response says nothing about the instance. */
  readonly reused: boolean;
  readonly connected: boolean;
  /** Why it could not be opened, when that is our own doing and says nothing about the instance. */
  readonly lack: Lack | undefined;
  /** Why it could not be opened, in words, when that is the instance's doing. */
  readonly trouble: string;
  /** The instance says that it has not looked at the request: it may be sent again whatever its method. */
  readonly untouched?: boolean;
  /** Sends the head of a request and what there is of its body. A range of any memory, which holds only during the call. */
  begin(bytes: Uint8Array, start: number, end: number): boolean;
  /** Sends more of its body. */
  send(start: number, end: number): boolean;
  /** As of the client's link, the other way round. */
  pass?(to: ClientLink, length: number): void;
  pause(): void;
  resume(): void;
  end(): void;
  /** The exchange is over: keep the connection for the next one. No event of it reaches the session afterwards. */
  release(): void;
  /** Ends it at once. No event of it reaches the session afterwards. */
  destroy(): void;
}

/** Who asks an instance: what a connection to one tells of. */
export interface Asking {
  /** Undefined: `UpstreamLink.pass` is never called. */
  readonly passing?: {
    /** So many bytes went to the client by themselves. `accepted`: as `ClientLink.send` says of them. */
    response(length: number, accepted: boolean): void;
  };
  readonly dispatch: {
    /** The connection is there. */
    opened(upstream: UpstreamLink): void;
  };
  upstreamReceived(start: number, end: number): void;
  /** It sent FIN. */
  upstreamEnded(upstream: UpstreamLink): void;
  /** Reset, or closed altogether. `isClean`: without an error. */
  upstreamClosed(upstream: UpstreamLink, isClean: boolean): void;
  upstreamDrained(): void;
  /** A slow peer took a part of what waits for it. */
  progressed(): void;
}

export interface Transport {
  /**
   * A connection to the instance: an idle one, or with `fresh` or when there is none a new one. Never calls back
   * before it returns.
   */
  open(asking: Asking, target: Target, fresh: boolean): UpstreamLink;
}
