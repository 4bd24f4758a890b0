/** For tests: a live picture over a store in memory, a clock that is moved by hand and traffic that is set. */
import { register, updateCheck } from '../../catalog/commands/register.ts';
import { checkRow, NODE, serviceRow } from '../../catalog/rows.test-support.ts';
import { ManualClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { testContext } from '../test-context.ts';
import { clusterNow } from './cluster.ts';
import type { LookAtCluster } from './cluster-watch.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { noTraffic, type TargetOut, type TrafficSample, type TrafficSource } from './traffic.ts';
import type { Delta, RouteView } from './wire.ts';

/** Traffic that says what the test tells it to. */
class SetTraffic implements TrafficSource {
  readonly latencyBounds = [1, 10, 100];
  table: readonly RouteView[] = [];
  counted: TrafficSample = noTraffic.sample();
  held: readonly TargetOut[] = [];
  routes = () => this.table;
  sample = () => this.counted;
  inFlight = (service: string, address: string) =>
    this.counted.targets.find((one) => one.service === service && one.address === address)?.inFlight;
  obstacle = noTraffic.obstacle;
  outs = () => this.held;
  problems = noTraffic.problems;
  explain = noTraffic.explain;
}

export interface Fixture {
  readonly store: ReturnType<typeof openMemoryStore>;
  readonly clock: ManualClock;
  readonly traffic: SetTraffic;
  readonly dashboard: Dashboard;
  /** All that was told since `follow`; to be emptied by who looks for what comes next. */
  readonly deltas: Delta[];
  follow(): void;
  /** That of an agent that is alone. */
  readonly look: LookAtCluster;
  /** Registers `id` of `service` on node "n1" with one check, port 80 unless told otherwise. */
  join(service: string, id: string, port?: number): Promise<unknown>;
  check(id: string, status: 'passing' | 'warning' | 'critical', output: string): Promise<unknown>;
}

export function dashboardFixture(): Fixture {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const clock = new ManualClock(1_000_000);
  const traffic = new SetTraffic();
  const about = {
    node: 'n1',
    datacenter: 'dc1',
    version: '0',
    startedAt: clock.now(),
    api: '127.0.0.1:8500',
    dns: '127.0.0.1:8600',
    balancer: ['127.0.0.1:9999'],
    carriage: '',
    domain: 'consul',
    acl: false,
  };
  const { catalog } = store;
  const { node } = testContext().context;
  const context = { catalog, store, node: { ...node, name: 'n1' }, startedAt: clock.now(), clock };
  const look: LookAtCluster = (before) => clusterNow(context, before);
  const dashboard = startDashboard({ catalog, traffic, about, clock, logger: silentLogger, look });
  const deltas: Delta[] = [];
  return {
    store,
    clock,
    traffic,
    dashboard,
    deltas,
    follow: () => void dashboard.live.follow((delta) => deltas.push(delta)),
    look,
    join: (service, id, port = 80) => store.write((tx) => register(tx, registration(service, id, port))),
    check: (id, status, output) =>
      store.write((tx) => updateCheck(tx, 'n1', `service:${id}`, { status, output })),
  };
}

function registration(service: string, id: string, port: number) {
  const answers = { name: 'answers', type: 'http', interval: '5s', timeout: '1s' };
  return {
    node: { ...NODE, name: 'n1' },
    service: { ...serviceRow(id, service), port },
    checks: [{ ...checkRow(`service:${id}`, id), ...answers }],
  };
}
