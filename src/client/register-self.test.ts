import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { type Asked, type FakeAgent, type Reply, startFakeAgent } from './fake-agent.test-support.ts';
import { Client, registerSelf, type SelfRegistration } from './index.ts';

/** An agent that keeps registrations in a map, and the switches of a test. */
async function startRegistry() {
  const services = new Map<string, Record<string, unknown>>();
  const state: { refuse: Reply | undefined } = { refuse: undefined };
  const waiting: { match: (asked: Asked) => boolean; resolve: (asked: Asked) => void }[] = [];
  const answer = (asked: Asked): Reply => {
    if (state.refuse !== undefined) return state.refuse;
    const id = decodeURIComponent(asked.path.split('/').pop() ?? '');
    if (asked.path === '/v1/agent/service/register') {
      const body = JSON.parse(asked.body) as { ID: string };
      services.set(body.ID, body);
      return {};
    }
    if (asked.path.startsWith('/v1/agent/service/deregister/')) services.delete(id);
    else if (asked.path.startsWith('/v1/agent/service/')) {
      const known = services.get(id);
      return known === undefined ? { status: 404 } : { json: { ID: id, Service: known.Name } };
    }
    return {};
  };
  const agent = await startFakeAgent((asked) => {
    const reply = answer(asked);
    for (const { match, resolve } of waiting.splice(0)) {
      if (match(asked)) resolve(asked);
      else waiting.push({ match, resolve });
    }
    return reply;
  });
  const next = (part: string) =>
    new Promise<Asked>((resolve) => waiting.push({ match: ({ path }) => path.includes(part), resolve }));
  return { agent, services, state, next };
}

/** Lets time pass until something happened: the program reads the clock only between requests. */
async function advanceUntil<T>(clock: ManualClock, happened: Promise<T>): Promise<T> {
  let done = false;
  const mark = () => {
    done = true;
  };
  happened.then(mark, mark);
  while (!done) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return happened;
}

const started: { agents: FakeAgent[]; registrations: SelfRegistration[] } = { agents: [], registrations: [] };
afterEach(async () => {
  await Promise.all(started.registrations.splice(0).map((registration) => registration.close()));
  await Promise.all(started.agents.splice(0).map((agent) => agent.stop()));
});

async function setUp() {
  const registry = await startRegistry();
  started.agents.push(registry.agent);
  const clock = new ManualClock();
  const client = new Client({ address: registry.agent.address });
  const register = async (options: Partial<Parameters<typeof registerSelf>[1]> = {}) => {
    const registration = await registerSelf(client, {
      name: 'web',
      port: 8080,
      clock,
      random: () => 0.5,
      ...options,
    });
    started.registrations.push(registration);
    return registration;
  };
  return { ...registry, clock, register };
}

describe('a program that registers itself', () => {
  it('is known by name and port, and gone after close', async () => {
    const { services, agent, register } = await setUp();
    const registration = await register({ tags: ['a'], check: { TCP: '127.0.0.1:8080', Interval: '1s' } });
    expect(services.get('web-8080')).toEqual({
      ID: 'web-8080',
      Name: 'web',
      Port: 8080,
      Tags: ['a'],
      Check: { TCP: '127.0.0.1:8080', Interval: '1s' },
    });
    await Promise.all([registration.close(), registration.close()]);
    expect(services.size).toBe(0);
    expect(agent.asked.filter(({ path }) => path.includes('/deregister/'))).toHaveLength(1);
  });

  it('waits for an agent that is not there yet', async () => {
    const { state, clock, services, register } = await setUp();
    state.refuse = { cut: true };
    const troubles: unknown[] = [];
    const registering = register({
      onTrouble: (error) => {
        troubles.push(error);
        if (troubles.length === 3) state.refuse = undefined;
      },
    });
    await advanceUntil(clock, registering);
    expect(services.has('web-8080')).toBe(true);
    expect(troubles).toHaveLength(3);
  });

  it('stops waiting when its signal is aborted', async () => {
    const { state, register } = await setUp();
    state.refuse = { status: 500, text: 'No cluster leader' };
    const stop = new AbortController();
    const registering = register({ signal: stop.signal, onTrouble: () => stop.abort(new Error('enough')) });
    await expect(registering).rejects.toThrow('enough');
  });

  it('is told at once that its registration is wrong', async () => {
    const { state, agent, register } = await setUp();
    state.refuse = { status: 400, text: 'Missing service name' };
    await expect(register()).rejects.toMatchObject({ status: 400 });
    expect(agent.asked).toHaveLength(1);
    state.refuse = undefined;
  });

  it('registers again when the agent has lost it', async () => {
    const { services, clock, next, register } = await setUp();
    let again = 0;
    await register({ onRegisteredAgain: () => again++ });
    services.clear();
    await advanceUntil(clock, next('/service/register'));
    expect(services.has('web-8080')).toBe(true);
  });

  it('goes on looking after the agent was away', async () => {
    const { services, state, clock, next, register } = await setUp();
    await register({
      onTrouble: () => {
        state.refuse = undefined;
        services.clear();
      },
    });
    state.refuse = { status: 500 };
    await advanceUntil(clock, next('/service/register'));
    expect(services.has('web-8080')).toBe(true);
  });

  it('reports on its TTL check at once and three times per TTL', async () => {
    const { clock, next, register } = await setUp();
    const waits: number[] = [];
    const recorded = {
      now: () => clock.now(),
      after: (ms: number, task: () => void) => {
        waits.push(ms);
        return clock.after(ms, task);
      },
    };
    const first = next('/check/update/');
    const health = () => ({ status: 'warning', output: 'busy' }) as const;
    await register({ check: { TTL: '3s' }, health, clock: recorded });
    clock.advance(0);
    const report = await first;
    expect(report.path).toBe('/v1/agent/check/update/service%3Aweb-8080');
    expect(JSON.parse(report.body)).toEqual({ Status: 'warning', Output: 'busy' });
    await advanceUntil(clock, next('/check/update/'));
    expect(waits.slice(0, 2)).toEqual([0, 950]);
  });

  it('closes although the agent is gone', async () => {
    const { agent, register } = await setUp();
    const troubles: unknown[] = [];
    const registration = await register({ onTrouble: (error) => troubles.push(error) });
    await agent.stop();
    await registration.close();
    expect(troubles).toHaveLength(1);
  });
});
