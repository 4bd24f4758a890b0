import type { ProxyLimits } from '../limits.ts';
import type { Session } from './session.ts';
import { DROPPING, IDLE, TUNNEL } from './stages.ts';

/** How long a session waits for what it waits for now, ms. */
export function patienceOf(session: Session, limits: ProxyLimits): number {
  const { clientSlow, upstreamSlow, intake, dispatch, reply } = session;
  switch (session.stage) {
    case IDLE:
      if (clientSlow) return limits.stallTimeout;
      return intake.carry.length > 0 ? limits.headTimeout : limits.keepAliveTimeout;
    case DROPPING:
      return clientSlow ? limits.stallTimeout : limits.lingerTimeout;
    case TUNNEL:
      return session.clientEnded ? Math.min(limits.tunnelTimeout, limits.stallTimeout) : limits.tunnelTimeout;
  }
  if (dispatch.isQueued) return limits.waitTimeout;
  if (dispatch.isConnecting) return limits.connectTimeout;
  if (clientSlow || upstreamSlow) return limits.stallTimeout;
  if (!intake.body.done && !reply.headSent) return limits.bodyTimeout;
  return reply.begun ? limits.responseSilence : limits.responseTimeout;
}
