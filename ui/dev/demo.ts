/**
 * A dashboard to look at without a system behind it: the real API, event stream and catalog over a store in memory,
 * filled with made-up services and fed with made-up traffic. For work on `ui/` only.
 *
 *   npx esbuild ui/dev/demo.ts --bundle --platform=node --format=esm --packages=external --outfile=node_modules/.cache/demo.mjs
 *   node node_modules/.cache/demo.mjs [--port 35000] [--instances 5000] [--agents 5] [--empty] [--calm] [--ui dist/ui]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDashboard } from '../../src/api/muster/dashboard.ts';
import { startApi } from '../../src/api/server.ts';
import { testContext } from '../../src/api/test-context.ts';
import { deregisterService, register, updateCheck } from '../../src/catalog/commands/register.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger, stderrSink } from '../../src/lib/log.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { demoCluster } from './demo-cluster.ts';
import { demoGroups } from './demo-groups.ts';
import { SyntheticTraffic } from './synthetic-traffic.ts';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '35000' },
    instances: { type: 'string', default: '0' },
    agents: { type: 'string', default: '5' },
    empty: { type: 'boolean', default: false },
    calm: { type: 'boolean', default: false },
    ui: { type: 'string', default: fileURLToPath(new URL('../../dist/ui', import.meta.url)) },
  },
});
const port = Number(options.port);
const logger = createLogger({ level: 'warn', sink: stderrSink('pretty') });
const store = openMemoryStore({ onSubscriberError: (error) => logger.error(String(error)) });
const traffic = new SyntheticTraffic(store.catalog, systemClock, Math.random);

interface Plan {
  readonly service: string;
  readonly count: number;
  readonly tags: readonly string[];
  readonly firstPort: number;
}

const PLANS: Plan[] = [
  { service: 'hello-server', count: 8, tags: ['urlprefix-/hello/'], firstPort: 21000 },
  { service: 'api', count: 4, tags: ['urlprefix-/api/', 'v2'], firstPort: 22000 },
  { service: 'shop', count: 3, tags: ['urlprefix-shop.example.com/'], firstPort: 23000 },
  { service: 'postgres', count: 1, tags: ['primary'], firstPort: 5432 },
];
const many = Number(options.instances);
if (many > 0) PLANS.push({ service: 'fleet', count: many, tags: ['urlprefix-/fleet/'], firstPort: 30000 });

function join({ service, tags, firstPort }: Plan, number: number): Promise<unknown> {
  const node = `node-${(number % 3) + 1}`;
  const id = `${service}-${number}`;
  const http = `http://10.0.0.${(number % 3) + 11}:${firstPort + number}/health`;
  return store.write((tx) =>
    register(tx, {
      node: {
        id: '',
        name: node,
        address: `10.0.0.${(number % 3) + 11}`,
        datacenter: 'dc1',
        taggedAddresses: null,
        meta: null,
      },
      service: {
        id,
        name: service,
        kind: '',
        tags,
        address: '',
        taggedAddresses: null,
        meta: null,
        port: firstPort + number,
        socketPath: '',
        weights: { passing: 1, warning: 1 },
        enableTagOverride: false,
      },
      checks: [
        {
          id: `service:${id}`,
          name: `${service} answers`,
          status: 'passing',
          notes: '',
          output: `HTTP GET ${http}: 200 OK Output: ok`,
          serviceId: id,
          type: 'http',
          interval: '5s',
          timeout: '1s',
          definition: { http },
        },
      ],
    }),
  );
}

function setCheck(
  service: string,
  number: number,
  status: 'passing' | 'critical' | 'warning',
  output: string,
) {
  const id = `${service}-${number}`;
  return store.write((tx) =>
    updateCheck(tx, `node-${(number % 3) + 1}`, `service:${id}`, { status, output }),
  );
}

if (!options.empty) {
  for (const plan of PLANS) {
    const joins: Promise<unknown>[] = [];
    for (let number = 1; number <= plan.count; number++) joins.push(join(plan, number));
    await Promise.all(joins);
  }
  traffic.refresh();
}

const about = {
  node: 'node-1',
  datacenter: 'dc1',
  version: 'demo',
  startedAt: Date.now(),
  api: `127.0.0.1:${port}`,
  dns: '127.0.0.1:8600',
  balancer: ['127.0.0.1:9999'],
  carriage: 'uring, 2 workers (io_uring works here)',
  domain: 'consul',
  acl: false,
};
const groups = options.empty ? [] : demoGroups(Date.now());
const { catalog } = store;
const dashboard = startDashboard({
  catalog,
  traffic,
  about,
  clock: systemClock,
  logger,
  look: await demoCluster(store, Number(options.agents)),
  sampled: { groups: () => groups.map((group) => group.view()) },
});
const { context } = testContext({}, { groups: () => groups, store, catalog, logger, dashboard });
await startApi({ context, host: '127.0.0.1', port, uiDirectory: options.ui });
process.stdout.write(`dashboard: http://127.0.0.1:${port}/ui/\n`);

/** A day in the life of a small system, over and over. Each scene is told after so many seconds. */
const REFUSED = 'Get "http://10.0.0.11:21003/health": dial tcp 10.0.0.11:21003: connect: connection refused';
const SCENES: [number, () => unknown][] = [
  [2, () => setCheck('hello-server', 3, 'critical', REFUSED)],
  [3, () => traffic.eject('hello-server', 5, '3 connects refused', 12_000)],
  [
    4,
    () =>
      setCheck(
        'api',
        2,
        'warning',
        'HTTP GET http://10.0.0.13:22002/health: 429 Too Many Requests Output: busy',
      ),
  ],
  [5, () => join(PLANS[2] as Plan, 4)],
  [6, () => traffic.drain('shop', 2)],
  [7, maintain],
  [45, () => setCheck('hello-server', 3, 'passing', 'HTTP GET …: 200 OK')],
  [55, () => store.write((tx) => deregisterService(tx, 'node-2', 'shop-4'))],
  [60, () => setCheck('api', 2, 'passing', 'HTTP GET …: 200 OK')],
];

function maintain(): Promise<unknown> {
  return store.write((tx) =>
    register(tx, {
      node: {
        id: '',
        name: 'node-2',
        address: '10.0.0.12',
        datacenter: 'dc1',
        taggedAddresses: null,
        meta: null,
      },
      checks: [
        {
          id: '_service_maintenance:api-4',
          name: 'Service Maintenance Mode',
          status: 'critical',
          notes: 'disk is being swapped',
          output: '',
          serviceId: 'api-4',
          type: 'maintenance',
          interval: '',
          timeout: '',
          definition: {},
        },
      ],
    }),
  );
}

if (!options.empty && !options.calm) {
  for (const [seconds, scene] of SCENES)
    setTimeout(() => {
      void Promise.resolve(scene()).then(() => traffic.refresh());
    }, seconds * 1000);
  if (many > 0)
    setInterval(() => {
      for (let turn = 0; turn < 20; turn++) {
        const number = 1 + Math.floor(Math.random() * many);
        const status = Math.random() < 0.3 ? 'critical' : 'passing';
        void setCheck('fleet', number, status, status === 'critical' ? REFUSED : 'ok');
      }
    }, 200);
}
