/** What `muster lb -check-…` asks of upstreams, as the balancer does it. */
import type { CheckPlan } from '../discovery/checks.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import type { ProbeKind } from '../health/kind.ts';
import { grpc } from '../health/kinds/grpc.ts';
import { http } from '../health/kinds/http.ts';
import { tcp } from '../health/kinds/tcp.ts';
import type { CheckSpec } from '../health/spec.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { LbCheck } from './verbs/lb-check.ts';

/** `isChecked` tells upstreams from what is none. */
export function upstreamChecks(
  check: LbCheck,
  isChecked: (instance: DiscoveredInstance) => boolean = () => true,
): CheckPlan {
  const { interval, timeout, fails, passes } = check;
  return {
    probe: (instance) => (isChecked(instance) ? probeOf(check, instance) : undefined),
    interval,
    timeout,
    fails,
    passes,
    startsHealthy: true,
    firstCounts: true,
  };
}

/** Upstreams over TLS are asked over TLS, verified as their traffic is; their tag is that of `lb-route.ts`. */
function probeOf({ kind, what, port, host }: LbCheck, instance: DiscoveredInstance): ProbeKind {
  const address = formatHostPort(instance.host, port ?? instance.port);
  const words = instance.tags[0]?.split(' ') ?? [];
  const isTls = words.some((word) => word === 'proto=https' || word === 'proto=grpcs');
  const tls = { tlsSkipVerify: words.includes('tlsskipverify=true'), tlsServerName: host ?? '' };
  const kinds = {
    http: () => {
      const header = host === undefined ? {} : { header: { Host: [host] } };
      return bound(http, { ...tls, ...header, http: `${isTls ? 'https' : 'http'}://${address}${what}` });
    },
    grpc: () => bound(grpc, { ...tls, grpc: `${address}/${what}`, grpcUseTls: isTls }),
    tcp: () => bound(tcp, { tcp: address }),
  };
  return kinds[kind]();
}

/** A kind with what it asks. */
function bound(kind: ProbeKind, asked: Partial<CheckSpec>): ProbeKind {
  return { ...kind, probe: (spec, context) => kind.probe({ ...spec, ...asked }, context) };
}
