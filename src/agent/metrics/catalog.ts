import { STATES } from '../../api/muster/wire.ts';
import type { Sample } from '../../lib/metrics.ts';
import { type Metrics, single } from './metric.ts';

const TABLES = {
  nodes: 'nodes',
  services: 'instances',
  checks: 'checks',
  kv: 'keys',
  sessions: 'sessions',
} as const;

export const catalogMetrics: Metrics = {
  muster_catalog_index: single(
    'gauge',
    'Index of the last commit, which only grows: its rate is that of writes to the whole cluster.',
    ({ catalog }) => catalog.index,
  ),
  muster_catalog_rows: {
    type: 'gauge',
    help: 'How much the catalog holds.',
    labels: ['kind'],
    read: ({ catalog }) =>
      Object.entries(TABLES).map(([table, kind]) => ({
        labels: { kind },
        value: catalog.count(table as keyof typeof TABLES),
      })),
  },
  muster_service_instances: {
    type: 'gauge',
    help: 'Instances of a service by what all checks of theirs and of their nodes say. DNS goes by it; the balancer asks some that are not "passing", and none without a check of its own (`muster why`).',
    labels: ['service', 'state'],
    read: ({ dashboard }) =>
      [...(dashboard?.live.current().services.values() ?? [])].flatMap(({ name, states }) =>
        STATES.map((state): Sample => ({ labels: { service: name, state }, value: states[state] ?? 0 })),
      ),
  },
  muster_checks: {
    type: 'gauge',
    help: 'Checks in the catalog by status.',
    labels: ['status'],
    read: ({ catalog }) =>
      ['passing', 'warning', 'critical'].map((status) => ({
        labels: { status },
        value: catalog.countOf('checks', 'status', status),
      })),
  },
  muster_agent_services: single(
    'gauge',
    'Services that are registered with this agent.',
    ({ registry }) => registry.counts.services,
  ),
  muster_agent_checks: single(
    'gauge',
    'Checks that this agent carries out or keeps.',
    ({ registry }) => registry.counts.checks,
  ),
  muster_agent_checks_held_back: single(
    'gauge',
    'Failing checks that the limit on floods keeps from being critical.',
    ({ registry }) => registry.counts.heldBack,
  ),
  muster_cluster_leader_known: single(
    'gauge',
    'Whether writes can be made, as far as this agent knows: 1 or 0.',
    ({ store }) => ((store.remote?.contact().known ?? true) ? 1 : 0),
  ),
  muster_cluster_silence_seconds: single(
    'gauge',
    'For how long those who keep the catalog have been silent: how old this view is.',
    ({ store, startedAt }) => {
      const silence = store.remote?.contact().silence ?? 0;
      // Those that were never heard of have been silent since this node asked.
      return (Number.isFinite(silence) ? silence : Date.now() - startedAt) / 1000;
    },
  ),
};
