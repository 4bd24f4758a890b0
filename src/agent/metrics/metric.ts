import type { NodeIdentity } from '../../api/context.ts';
import type { ApiCounts } from '../../api/counts.ts';
import type { Dashboard } from '../../api/muster/dashboard.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { DnsCounts } from '../../dns/counts.ts';
import type { GroupControl } from '../../group/view.ts';
import type { HistogramSample, Sample } from '../../lib/metrics.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Store } from '../../store/store.ts';
import type { Balancer } from '../balancer.ts';
import type { Tracing } from '../telemetry/telemetry.ts';

/** What the figures are read from, at the moment when somebody asks: nothing is counted twice or kept for those gone. */
export interface Sources {
  readonly node: NodeIdentity;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly registry: Registry;
  readonly dashboard: Dashboard;
  readonly api: ApiCounts;
  readonly dns: DnsCounts;
  readonly balancer: Balancer | undefined;
  readonly tracing: Tracing | undefined;
  readonly groups: () => readonly GroupControl[];
}

/** One family: what it is called and means, and how it is read. */
export type Metric = {
  /** One sentence; with its unit unless the name says it. */
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
} & (
  | { readonly type: 'counter' | 'gauge'; read(sources: Sources): readonly Sample[] }
  | {
      readonly type: 'histogram';
      readonly bounds: readonly number[];
      read(sources: Sources): readonly HistogramSample[];
    }
);

export type Metrics = Readonly<Record<string, Metric>>;

/** A family of one series. */
export function single(
  type: 'counter' | 'gauge',
  help: string,
  read: (sources: Sources) => number | undefined,
): Metric {
  return {
    type,
    help,
    labels: [],
    read(sources) {
      const value = read(sources);
      return value === undefined ? [] : [{ labels: {}, value }];
    },
  };
}
