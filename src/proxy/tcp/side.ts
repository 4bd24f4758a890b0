import type { TcpLimits } from './limits.ts';

/** One of the two ends of a relayed connection, as far as it matters for when the connection has been idle for too long. Times are the engine's. */
export class Side {
  /** It sent FIN. */
  hasEnded = false;
  /** It does not take what is sent to it: the other one is held back. */
  isSlow = false;
  /** When it last sent or took something. */
  at = 0;
}

/** Until when a connection may be as it is; Infinity: for ever. A side that is held back because the other is slow is not idle. */
export function idleUntil(
  client: Side,
  upstream: Side,
  { clientIdleTimeout, upstreamIdleTimeout, halfClosedTimeout }: TcpLimits,
): number {
  let end = Number.POSITIVE_INFINITY;
  if (!client.hasEnded && !upstream.isSlow) end = client.at + clientIdleTimeout;
  if (!upstream.hasEnded && !client.isSlow) end = Math.min(end, upstream.at + upstreamIdleTimeout);
  if (client.hasEnded || upstream.hasEnded)
    end = Math.min(end, Math.max(client.at, upstream.at) + halfClosedTimeout);
  return end;
}
