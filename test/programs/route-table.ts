/**
 * A route table of N hosts as the balancer keeps it, both halves in one process: the router of the main thread and the compiler of a
 * worker, each delta cloned as `postMessage` does. Prints its figures as JSON; for `npm run bench -- routes`.
 */
import { TargetStates } from '../../src/balance/states.ts';
import type { DiscoveredInstance, InstanceListener } from '../../src/discovery/instance.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { Compiler } from '../../src/route/compiler.ts';
import { startRouter } from '../../src/route/router.ts';

const CHANGES = 200;
const LOOKUPS = 1_000_000;
const BLOCKS = 10;

const count = Number(process.argv[2] ?? 50_000);

/** As a store hands it out: every text of it was decoded, none was put together. */
const instance = (i: number, port: number): DiscoveredInstance => structuredClone(made(i, port));

const made = (i: number, port: number): DiscoveredInstance => ({
  id: `node-${i % 100}/web-${i}`,
  service: `web-${i}`,
  node: `node-${i % 100}`,
  serviceId: `web-${i}`,
  host: `10.0.${(i >> 8) & 255}.${i & 255}`,
  port,
  tags: [`urlprefix-host-${i}.test/api strip=/api`],
  meta: null,
  datacenter: 'dc1',
  weight: 1,
  out: '',
});

const compiler = new Compiler({
  states: new TargetStates(),
  random: Math.random,
  turns: new Int32Array(8_192),
});

let tell: InstanceListener = () => {};
const router = startRouter({
  discover(listener) {
    tell = listener;
    return { instances: () => [], resync() {}, stop() {} };
  },
  publish(delta) {
    compiler.apply(structuredClone(delta));
  },
  slots: { capacity: 8_192 },
  log: silentLogger,
});
tell(
  Array.from({ length: count }, (_, i) => {
    const after = instance(i, 80);
    return { id: after.id, before: undefined, after };
  }),
);

const changes = Array.from({ length: CHANGES }, (_, n) => {
  const i = (n * 7_919) % count;
  const before = instance(i, 80 + Math.floor((n * 7_919) / count));
  const after = instance(i, 81 + n);
  const begin = performance.now();
  tell([{ id: after.id, before, after }]);
  return performance.now() - begin;
}).sort((a, b) => a - b);

const requests = Array.from({ length: 1_024 }, (_, n) => {
  const host = `host-${(n * 104_729) % count}.test`;
  return { bytes: Buffer.from(`${host}/api/orders/${n}`), host: host.length };
});
let found = 0;
const look = (times: number): void => {
  const { table } = compiler;
  for (let n = 0; n < times; n++) {
    const { bytes, host } = requests[n & 1_023]!;
    if (table.match(bytes, 0, host, host, bytes.length) !== undefined) found++;
  }
};
look(LOOKUPS / 10);
found = 0;
/** Processor time: what others do on the machine does not count. The best of some blocks, in µs for each look-up. */
const blocks = Array.from({ length: BLOCKS }, () => {
  const begin = process.cpuUsage();
  look(LOOKUPS / BLOCKS);
  const { user, system } = process.cpuUsage(begin);
  return ((user + system) * BLOCKS) / LOOKUPS;
});
const lookup = Math.min(...blocks);
if (found !== LOOKUPS) throw new Error(`${LOOKUPS - found} look-ups found nothing`);

globalThis.gc?.();
process.stdout.write(
  JSON.stringify({
    memory: process.memoryUsage().rss / 1e6,
    heap: process.memoryUsage().heapUsed / 1e6,
    lookup,
    change: changes[CHANGES / 2],
    worst: changes.at(-1),
    routes: router.routes().length,
  }),
);
