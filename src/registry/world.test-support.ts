import { afterEach } from 'vitest';
import { checkKey, serviceKey } from '../catalog/tables.ts';
import { type CheckSpec, EMPTY_SPEC } from '../health/spec.ts';
import { type Clock, ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { CheckDefinition, ServiceCheckDefinition, ServiceDefinition } from './definition.ts';
import type { RegistryOptions } from './options.ts';
import { type Registry, startRegistry } from './registry.ts';

export const NODE = {
  id: '0f6d1f2e-0000-4000-8000-000000000001',
  name: 'n1',
  address: '127.0.0.1',
  datacenter: 'dc1',
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A registry over a store in memory; the end of the test stops it. */
export async function setUp(
  options: Partial<RegistryOptions> = {},
): Promise<{ registry: Registry; store: Store; clock: ManualClock }> {
  const clock = new ManualClock(1_000_000);
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const registry = await startRegistry({
    store,
    node: { ...NODE, server: { port: 8300 } },
    clock: clock as Clock,
    random: () => 0,
    logger: silentLogger,
    ...options,
  });
  stops.push(() => registry.stop());
  return { registry, store: options.store ?? store, clock };
}

export const service = (name: string, fields: Partial<ServiceDefinition> = {}): ServiceDefinition => ({
  id: '',
  name,
  kind: '',
  tags: [],
  address: '',
  port: 0,
  socketPath: '',
  taggedAddresses: {},
  meta: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  checks: [],
  ...fields,
});
export const inService = (spec: Partial<CheckSpec>, fields: Partial<ServiceCheckDefinition> = {}) => ({
  id: '',
  name: '',
  notes: '',
  status: '' as const,
  ...fields,
  spec: { ...EMPTY_SPEC, ...spec },
});
export const check = (name: string, spec: Partial<CheckSpec>, serviceId = ''): CheckDefinition => ({
  ...inService(spec, { name }),
  serviceId,
});
export const TTL = { ttl: 10_000 };

export const rowOf = (store: Store, id: string) => store.catalog.get('services', serviceKey('n1', id));
export const checkRow = (store: Store, id: string) => store.catalog.get('checks', checkKey('n1', id));
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
