import type { ApiCounts } from '../../api/counts.ts';
import type { Dashboard } from '../../api/muster/dashboard.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { GroupControl } from '../../group/view.ts';
import type { Family, HistogramSample, Sample } from '../../lib/metrics.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Store } from '../../store/store.ts';
import type { BalancerSources } from './balancer.ts';
import type { DnsSources } from './dns.ts';
import type { ProcessSources } from './process.ts';
import type { RegistratorSources } from './registrator.ts';
import type { TemplateSources } from './templates.ts';
import type { TraceSources } from './traces.ts';

/** What the figures are read from, at the moment when somebody asks: nothing is counted twice or kept for those gone. */
export interface Sources
  extends ProcessSources,
    BalancerSources,
    TraceSources,
    DnsSources,
    TemplateSources,
    RegistratorSources {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly registry: Registry;
  /** Undefined while there is no catalog. */
  readonly dashboard: Dashboard | undefined;
  readonly api: ApiCounts;
  readonly groups: () => readonly GroupControl[];
}

/** One family: what it is called and means, and how it is read. */
export type Metric<From = Sources> = {
  /** One sentence; with its unit unless the name says it. */
  readonly help: string;
  /** Names of its labels. */
  readonly labels: readonly string[];
} & (
  | { readonly type: 'counter' | 'gauge'; read(sources: From): readonly Sample[] }
  | {
      readonly type: 'histogram';
      readonly bounds: readonly number[];
      read(sources: From): readonly HistogramSample[];
    }
);

export type Metrics<From = Sources> = Readonly<Record<string, Metric<From>>>;

/** A family of one series. */
export function single<From = Sources>(
  type: 'counter' | 'gauge',
  help: string,
  read: (sources: From) => number | undefined,
): Metric<From> {
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

/** All families of a part at this moment. */
export function familiesOf<From>(part: Metrics<From>, sources: From): Family[] {
  return Object.entries(part).map(([name, metric]): Family => {
    const { help } = metric;
    return metric.type === 'histogram'
      ? { name, help, type: metric.type, bounds: metric.bounds, samples: metric.read(sources) }
      : { name, help, type: metric.type, samples: metric.read(sources) };
  });
}
