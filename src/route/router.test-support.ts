/** For tests: a router on a catalog of its own, and what a worker would make of its deltas. */
import { afterEach } from 'vitest';
import { TargetStates } from '../balance/states.ts';
import { register } from '../catalog/commands/register.ts';
import type { CheckStatus } from '../catalog/rows.ts';
import { followCatalog } from '../discovery/catalog.ts';
import type { PassingRule } from '../discovery/passing.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { Compiler } from './compiler.ts';
import { type Router, type RouterOptions, startRouter } from './router.ts';
import type { RouteDelta } from './spec.ts';

export interface Given {
  id: string;
  tags: string[];
  name?: string;
  node?: string;
  port?: number;
  address?: string;
  weights?: { passing: number; warning: number };
  checks?: CheckStatus[];
}

const open: { router: Router; store: Store }[] = [];
afterEach(async () => {
  for (const { router, store } of open.splice(0)) {
    router.stop();
    await store.close();
  }
});

export function start(options: Partial<RouterOptions> = {}, rule?: PassingRule) {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const deltas: RouteDelta[] = [];
  const slots = { capacity: 1000 };
  const { catalog } = store;
  const router = startRouter({
    discover: (listener, concerns) =>
      followCatalog({ catalog, concerns, ...(rule === undefined ? {} : { rule }) }, listener),
    publish: (delta) => deltas.push(structuredClone(delta)),
    slots,
    log: silentLogger,
    ...options,
  });
  open.push({ router, store });
  const compiler = new Compiler({
    random: () => 0.5,
    turns: new Int32Array(1000),
    states: new TargetStates(),
  });
  let applied = 0;
  /** Who answers a request, of those whose turn it is in `times` requests; what a worker would do. */
  const asked = (host: string, path: string, times = 1): (string | undefined)[] => {
    for (const delta of deltas.slice(applied)) compiler.apply(delta);
    applied = deltas.length;
    const bytes = Buffer.from(host + path);
    const route = compiler.table.match(bytes, 0, host.length, host.length, bytes.length);
    if (route === undefined) return ['no route'];
    return Array.from({ length: times }, () => route.balancer.next([])?.id).sort();
  };
  return { store, router, deltas, asked };
}

export const write = async (store: Store, ...all: Given[]) => {
  await store.write((tx) => {
    for (const given of all) {
      const { id, tags, name = 'web', node = `node-${id}`, port = 80, checks = ['passing'] } = given;
      register(tx, {
        node: {
          id: '',
          name: node,
          address: '10.0.0.1',
          datacenter: 'dc1',
          taggedAddresses: null,
          meta: null,
        },
        service: {
          id,
          name,
          kind: '',
          tags,
          address: given.address ?? '127.0.0.1',
          taggedAddresses: null,
          meta: null,
          port,
          socketPath: '',
          weights: given.weights ?? { passing: 1, warning: 1 },
          enableTagOverride: false,
        },
        checks: checks.map((status, i) => check(`c${i}-${id}`, status, id)),
      });
    }
  });
};

export const check = (id: string, status: CheckStatus, serviceId: string) => ({
  id,
  name: id,
  status,
  notes: '',
  output: '',
  serviceId,
  type: '',
  interval: '',
  timeout: '',
  definition: {},
});

export const nodeCheck = (store: Store, node: string, id: string, status: CheckStatus) =>
  store.write((tx) =>
    register(tx, {
      node: { id: '', name: node, address: '', datacenter: '', taggedAddresses: null, meta: null },
      skipNodeUpdate: true,
      checks: [check(id, status, '')],
    }),
  );
