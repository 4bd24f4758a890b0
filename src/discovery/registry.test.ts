import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Client, ServiceEntry } from '../client/index.ts';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { followRegistry } from './registry.ts';

const INTERVAL = 1_000;

function entry(service: string, id: string, member: string): ServiceEntry {
  return {
    Node: { Node: 'node', Address: '10.0.0.1', Datacenter: 'dc1', Meta: { zone: 'here' } },
    Service: {
      ID: id,
      Service: service,
      Address: '',
      ...(service === 'portless' ? {} : { Port: 80 }),
      Tags: ['urlprefix-/'],
      Meta: {},
    },
    Checks: [
      { CheckID: 'c', ServiceID: id, Name: 'c', Status: 'passing', Notes: '' },
      { CheckID: 'serfHealth', ServiceID: '', Name: '', Status: member, Notes: '' },
    ],
  } as unknown as ServiceEntry;
}

/** A registry that is asked each second, with so many instances of each of its services. */
function registryOf(
  counts: Record<string, number>,
  answering = 'another',
  answer: (service: string) => Promise<void> = async () => {},
  idOf: (service: string, i: number) => string = (service, i) => `${service}-${i}`,
) {
  const state = { counts, member: 'passing' };
  const asked = <T>(answer: () => T) => ({ [Symbol.asyncIterator]: undefined, once: async () => answer() });
  const client = {
    agent: { self: async () => ({ Config: { NodeName: answering } }) },
    catalog: {
      services: async () =>
        Object.fromEntries(Object.keys(state.counts).map((name) => [name, ['urlprefix-/']])),
      watchServices: asked,
    },
    health: {
      service: async (name: string) => {
        await answer(name);
        const length = state.counts[name] ?? 0;
        return Array.from({ length }, (_, i) => entry(name, idOf(name, i), state.member));
      },
      watchService: asked,
    },
  } as unknown as Client;
  const clock = new ManualClock();
  const lines: LogLine[] = [];
  /** Instances with their services, as whoever goes by the changes has them. */
  const told = new Map<string, string>();
  const discovery = followRegistry(
    {
      client,
      clock,
      tagPrefix: 'urlprefix-',
      consistency: 'default',
      interval: INTERVAL,
      random: () => 0.5,
      log: createLogger({ level: 'info', sink: (line) => lines.push(line) }),
    },
    (changes) => {
      for (const { id, before, after } of changes) {
        expect(before?.service).toBe(told.get(id));
        if (after === undefined) told.delete(id);
        else told.set(id, after.service);
      }
    },
  );
  onTestFinished(() => discovery.stop());
  return {
    discovery,
    state,
    lines,
    told,
    reasons: () => new Set([...discovery.instances()].map(({ out }) => out)),
    known: () => [...discovery.instances()].length,
    zones: () => new Set([...discovery.instances()].map(({ zone }) => zone)),
    /** Lets time pass, and every question that is due be asked and answered. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += INTERVAL) {
        clock.advance(INTERVAL);
        for (let i = 0; i < 5; i++) await turn();
      }
    },
  };
}

it('keeps for a while what a registry forgets all at once, and then believes it', async () => {
  const { state, known, zones, pass, lines } = registryOf({ a: 60, b: 60, c: 60 });
  await pass(2_000);
  expect([known(), ...zones()]).toEqual([180, 'here']);
  state.counts = {};
  await pass(10_000);
  expect(known()).toBeGreaterThanOrEqual(90);
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  await pass(20_000);
  expect(known()).toBe(0);
});

it('says when everything there was at the start is told', async () => {
  const answers = new Map<string, () => void>();
  const { discovery, known } = registryOf(
    { a: 2, b: 1 },
    'another',
    (name) => new Promise((answer) => answers.set(name, answer)),
  );
  let isWhole = false;
  void discovery.whole?.then(() => {
    isWhole = true;
  });
  const turns = async () => {
    for (let i = 0; i < 5; i++) await turn();
  };
  await turns();
  expect([...answers.keys()]).toEqual(['a', 'b']);
  answers.get('b')?.();
  await turns();
  expect([isWhole, known()]).toEqual([false, 1]);
  answers.get('a')?.();
  await turns();
  expect([isWhole, known()]).toEqual([true, 3]);
  const { discovery: ofNothing } = registryOf({});
  await ofNothing.whole;
});

it('takes an instance back that the registry remembers, and lets those go that it does not', async () => {
  const { state, known, pass } = registryOf({ a: 200 });
  await pass(2_000);
  state.counts = { a: 20 };
  await pass(10_000);
  expect(known()).toBe(200);
  state.counts = { a: 190 };
  await pass(4_000);
  expect(known()).toBe(200);
  await pass(4_000);
  expect(known()).toBe(190);
  state.counts = { a: 20 };
  await pass(10_000);
  expect(known()).toBe(190);
  state.counts = { a: 190 };
  await pass(30_000);
  expect(known()).toBe(190);
});

it('believes at once that a few are gone', async () => {
  const { state, known, pass } = registryOf({ a: 4, b: 1 });
  await pass(2_000);
  state.counts = { b: 1 };
  await pass(2_000);
  expect(known()).toBe(1);
});

it.each([
  ['another', 'the agent of its node is down (check "serfHealth")'],
  ['node', ''],
])('when servers take a node for dead and the agent of %s answers: "%s"', async (answering, why) => {
  const { state, reasons, pass } = registryOf({ a: 2 }, answering);
  await pass(2_000);
  expect([...reasons()]).toEqual(['']);
  state.member = 'critical';
  await pass(2_000);
  expect([...reasons()]).toEqual([why]);
});

it('takes an instance without a port, which the registry leaves out, for one that cannot be reached', async () => {
  const { discovery, pass } = registryOf({ portless: 1 });
  await pass(2_000);
  expect([...discovery.instances()].map(({ port }) => port)).toEqual([0]);
});

it('knows what was registered before a service that came, and does not wait for what cannot be asked', async () => {
  let held = Promise.resolve();
  let release = (): void => {};
  const { state, known, pass } = registryOf({ a: 1 }, 'another', (service) =>
    service === 'a' ? held : Promise.resolve(),
  );
  await pass(2_000);
  expect(known()).toBe(1);
  held = new Promise((resolve) => {
    release = resolve;
  });
  state.counts = { a: 2, b: 1 };
  await pass(2_000);
  expect(known()).toBe(1);
  release();
  await pass(1_000);
  expect(known()).toBe(3);
  held = Promise.reject(new Error('may not be asked'));
  state.counts = { a: 3, b: 1, c: 1 };
  await pass(2_000);
  expect(known()).toBe(4);
});

it('asks the others once for all newcomers that come while they are asked', async () => {
  let held = Promise.resolve();
  let release = (): void => {};
  let asked = 0;
  const { state, known, pass } = registryOf({ a: 1 }, 'another', (service) => {
    if (service !== 'a') return Promise.resolve();
    asked++;
    return held;
  });
  await pass(2_000);
  held = new Promise((resolve) => {
    release = resolve;
  });
  const before = asked;
  for (const name of 'bcdefgh') {
    state.counts = { ...state.counts, [name]: 1 };
    await pass(1_000);
  }
  expect(asked).toBeLessThanOrEqual(before + 2);
  expect(known()).toBe(1);
  release();
  await pass(1_000);
  expect(known()).toBe(8);
  expect(asked).toBeLessThanOrEqual(before + 5);
});

it.each([
  ['the new service answers first', 'a'],
  ['the old one does', 'b'],
])('keeps an instance that is registered anew under another name, where %s', async (_, slow) => {
  let isSlow = false;
  const { state, known, told, pass } = registryOf(
    { a: 1, b: 0, c: 1 },
    'another',
    async (service) => {
      while (isSlow && service === slow) await turn();
    },
    (service) => (service === 'c' ? 'c' : 'moving'),
  );
  const moving = () => [told.get('node/moving'), told.size, known()];
  await pass(2_000);
  expect(moving()).toEqual(['a', 2, 2]);
  for (const [a, b, owner] of [
    [0, 1, 'b'],
    [1, 0, 'a'],
    [0, 1, 'b'],
  ] as const) {
    state.counts = { a, b, c: 1 };
    isSlow = true;
    await pass(2_000);
    isSlow = false;
    await pass(2_000);
    expect(moving()).toEqual([owner, 2, 2]);
  }
  state.counts = { a: 0, b: 0, c: 1 };
  await pass(2_000);
  expect(moving()).toEqual([undefined, 1, 1]);
});
