import { afterEach, describe, expect, it } from 'vitest';
import { checkKey } from '../catalog/tables.ts';
import { EMPTY_SPEC } from '../health/spec.ts';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { ServiceDefinition } from './definition.ts';
import { type Registry, startRegistry } from './registry.ts';

const POLICY = { share: 0.2, floor: 3, interval: 60_000 };
const TTL = 10_000;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const id = (number: number) => `web-${number}`;
const check = (number: number) => `check-${number}`;

const web = (number: number): ServiceDefinition => ({
  id: id(number),
  name: 'web',
  kind: '',
  tags: [],
  address: '',
  port: 80,
  socketPath: '',
  taggedAddresses: {},
  meta: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  checks: [{ id: check(number), name: '', notes: '', status: 'passing', spec: { ...EMPTY_SPEC, ttl: TTL } }],
});

/** A node with so many instances, each passing with a heartbeat that is due in 10 s. */
async function setUp(instances: number) {
  const clock = new ManualClock(1_000_000);
  const lines: LogLine[] = [];
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const registry = await startRegistry({
    store,
    node: {
      id: '0f6d1f2e-0000-4000-8000-000000000001',
      name: 'n1',
      address: '127.0.0.1',
      datacenter: 'dc1',
    },
    clock,
    random: () => 0,
    logger: createLogger({ level: 'info', sink: (line) => lines.push(line) }),
    flood: POLICY,
  });
  stops.push(() => registry.stop());
  for (let i = 0; i < instances; i++) await registry.registerService(web(i));
  const statusInCatalog = (number: number) =>
    store.catalog.get('checks', checkKey('n1', check(number)))?.status;
  const flood = (level: string) =>
    lines.filter((line) => line.level === level && /at once|held back/.test(line.message));
  return { registry, clock, statusInCatalog, flood };
}

const criticalOf = (registry: Registry) =>
  registry
    .checks()
    .filter(({ status }) => status === 'critical')
    .map(({ id }) => id);

describe('a node on which too much fails at once', () => {
  it('believes a share of it and holds the rest back, with one warning', async () => {
    const { registry, clock, statusInCatalog, flood } = await setUp(20);
    clock.advance(TTL);
    expect(criticalOf(registry)).toHaveLength(4);
    expect(registry.counts.heldBack).toBe(16);
    expect(registry.check(check(19))).toMatchObject({
      status: 'passing',
      output: expect.stringMatching(/held back.*: TTL expired$/),
    });
    await Promise.resolve();
    expect(statusInCatalog(19)).toBe('passing');
    expect(flood('warn')).toMatchObject([{ fields: { instances: 20, allowed: 4, within: '60s' } }]);
  });

  it('lets those that still fail through as room comes, in their order', async () => {
    const { registry, clock, statusInCatalog, flood } = await setUp(20);
    clock.advance(TTL);
    const held = registry
      .checks()
      .filter(({ status }) => status === 'passing')
      .map(({ id }) => id);
    // Four a minute: one every 15 s.
    clock.advance(15_000);
    expect(registry.counts.heldBack).toBe(15);
    await registry.updateTtl(held[5] as string, 'passing', 'back again');
    expect(registry.counts.heldBack).toBe(14);
    // The one that came back fell silent again, and is the last.
    clock.advance(15_000 * 15);
    expect(registry.counts.heldBack).toBe(0);
    await Promise.resolve();
    expect(statusInCatalog(19)).toBe('critical');
    expect(registry.check(held[0] as string)).toMatchObject({ status: 'critical', output: 'TTL expired' });
    expect(flood('warn')).toHaveLength(1);
    expect(flood('info')).toHaveLength(1);
  });

  it('does not limit small numbers', async () => {
    const { registry, clock } = await setUp(3);
    clock.advance(TTL);
    expect(criticalOf(registry)).toHaveLength(3);
    expect(registry.counts.heldBack).toBe(0);
  });

  it('believes at once what is said explicitly', async () => {
    const { registry, clock, statusInCatalog } = await setUp(20);
    clock.advance(TTL);
    await registry.updateTtl(check(18), 'critical', 'I am dead');
    expect(statusInCatalog(18)).toBe('critical');
    await registry.maintain(id(17), 'repair');
    expect(registry.checksOf(id(17)).map(({ status }) => status)).toContain('critical');
    await registry.deregisterService(id(16));
    expect(statusInCatalog(16)).toBeUndefined();
    expect(registry.counts.heldBack).toBe(14);
  });

  it('counts an instance once, however many of its checks fail', async () => {
    const { registry, clock } = await setUp(3);
    for (let i = 0; i < 3; i++)
      await registry.registerCheck({
        id: `more-${i}`,
        name: `more-${i}`,
        notes: '',
        status: 'passing',
        serviceId: id(i),
        spec: { ...EMPTY_SPEC, ttl: TTL },
      });
    clock.advance(TTL);
    expect(criticalOf(registry)).toHaveLength(6);
  });
});
