import type { Tracing } from '../telemetry/telemetry.ts';
import { type Metrics, single } from './metric.ts';

export interface TraceSources {
  readonly tracing: Pick<Tracing, 'exported' | 'waiting' | 'dropped'> | undefined;
}

/** What becomes of spans; nothing where none are recorded. */
export const traceMetrics: Metrics<TraceSources> = {
  muster_trace_spans_exported_total: single(
    'counter',
    'Spans of requests that the collector took.',
    ({ tracing }) => tracing?.exported,
  ),
  muster_trace_spans_dropped_total: {
    type: 'counter',
    help: 'Spans that were given up: `queue` had no room for them, the collector `refused` them, or was `unreachable` for too long.',
    labels: ['reason'],
    read: ({ tracing }) =>
      Object.entries(tracing?.dropped ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
  },
  muster_trace_spans_waiting: single(
    'gauge',
    'Spans that wait for the collector.',
    ({ tracing }) => tracing?.waiting,
  ),
};
