/** Every figure that Muster tells; docs/reference/metrics.md is made from this table. A new one is one entry of a part. */
import type { Family } from '../../lib/metrics.ts';
import { balancerMetrics } from './balancer.ts';
import { catalogMetrics } from './catalog.ts';
import { dnsMetrics } from './dns.ts';
import { doorMetrics } from './doors.ts';
import { groupMetrics } from './groups.ts';
import { familiesOf, type Metrics, type Sources } from './metric.ts';
import { processMetrics } from './process.ts';
import { registratorMetrics } from './registrator.ts';
import { templateMetrics } from './templates.ts';
import { traceMetrics } from './traces.ts';

export const METRICS = {
  'The agent': processMetrics,
  'Registry and cluster': catalogMetrics,
  API: doorMetrics,
  DNS: dnsMetrics,
  'Load balancer': balancerMetrics,
  Traces: traceMetrics,
  Templates: templateMetrics,
  Registrator: registratorMetrics,
  Groups: groupMetrics,
} as const satisfies Record<string, Metrics>;

/** All of them at this moment. */
export function families(sources: Sources): Family[] {
  return Object.values<Metrics>(METRICS).flatMap((part) => familiesOf(part, sources));
}
