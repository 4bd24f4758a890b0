/** Every figure that Muster tells; docs/reference/metrics.md is made from this table. A new one is one entry of a part. */
import type { Family } from '../../lib/metrics.ts';
import { balancerMetrics } from './balancer.ts';
import { catalogMetrics } from './catalog.ts';
import { doorMetrics } from './doors.ts';
import { groupMetrics } from './groups.ts';
import type { Metrics, Sources } from './metric.ts';
import { processMetrics } from './process.ts';
import { traceMetrics } from './traces.ts';

export const METRICS = {
  'The agent': processMetrics,
  'Registry and cluster': catalogMetrics,
  'API and DNS': doorMetrics,
  'Load balancer': balancerMetrics,
  Traces: traceMetrics,
  Groups: groupMetrics,
} as const satisfies Record<string, Metrics>;

/** All of them at this moment. */
export function families(sources: Sources): Family[] {
  return Object.values(METRICS).flatMap((part) =>
    Object.entries(part).map(([name, metric]): Family => {
      const { help } = metric;
      return metric.type === 'histogram'
        ? { name, help, type: metric.type, bounds: metric.bounds, samples: metric.read(sources) }
        : { name, help, type: metric.type, samples: metric.read(sources) };
    }),
  );
}
