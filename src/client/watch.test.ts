import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { type Asked, type FakeAgent, type Reply, startFakeAgent } from './fake-agent.test-support.ts';
import { Client } from './index.ts';
import { changedViews, watchSubject } from './subject.ts';

let agent: FakeAgent | undefined;
const serve = async (answer: (asked: Asked) => Reply | Promise<Reply>) => {
  agent = await startFakeAgent(answer);
  return new Client({ address: agent.address });
};
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

/** A clock on which every wait is over at once, and how long the waits would have been. */
function hastyClock() {
  const clock = new ManualClock();
  const waits: number[] = [];
  return {
    waits,
    now: () => clock.now(),
    after(ms: number, task: () => void) {
      waits.push(ms);
      setImmediate(task);
      return () => {};
    },
  };
}

/** Answers one after the other; then questions stay open. */
const script = (replies: Reply[]) => () => replies.shift() ?? { hang: true };

describe('a watch', () => {
  it('gives a view at once and one for each change, asking on from the last index', async () => {
    const client = await serve(
      script([
        { json: ['a'], index: 5 },
        { json: ['a'], index: 5 },
        { json: ['a', 'b'], index: 9 },
      ]),
    );
    const seen: unknown[] = [];
    const watch = client.catalog.watchNodes({ wait: '7s' });
    for await (const view of watch) {
      seen.push(view);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([['a'], ['a', 'b']]);
    expect(agent?.asked.map(({ query }) => [query.get('index'), query.get('wait')])).toEqual([
      [null, '7s'],
      ['5', '7s'],
      ['5', '7s'],
    ]);
  });

  it('starts again when the index goes back', async () => {
    const client = await serve(
      script([
        { json: ['old'], index: 50 },
        { json: ['passing by'], index: 3 },
        { json: ['new'], index: 4 },
      ]),
    );
    const seen: unknown[] = [];
    for await (const view of client.catalog.watchNodes()) {
      seen.push(view);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([['old'], ['new']]);
    expect(agent?.asked.map(({ query }) => query.get('index'))).toEqual([null, '50', null]);
  });

  it('never asks with index 0, which would not wait', async () => {
    const client = await serve(
      script([
        { json: [], index: 0 },
        { json: ['a'], index: 2 },
      ]),
    );
    const seen: unknown[] = [];
    for await (const view of client.catalog.watchNodes()) {
      seen.push(view);
      if (seen.length === 2) break;
    }
    expect(agent?.asked.map(({ query }) => query.get('index'))).toEqual([null, '1']);
  });

  it('keeps the last view while the agent fails, waits longer each time and goes on', async () => {
    const clock = hastyClock();
    const client = await serve(
      script([
        { json: ['a'], index: 5 },
        { status: 500, text: 'No cluster leader' },
        { cut: true },
        { status: 503 },
        { json: ['b'], index: 6 },
      ]),
    );
    const troubles: number[] = [];
    const watch = client.catalog.watchNodes({
      clock,
      random: () => 0.5,
      onTrouble: (_error, delay) => {
        troubles.push(delay);
        expect(watch.last).toEqual(['a']);
        expect(watch.trouble).toBeDefined();
      },
    });
    const seen: unknown[] = [];
    for await (const view of watch) {
      seen.push(view);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([['a'], ['b']]);
    expect(troubles).toEqual([150, 300, 600]);
    expect(clock.waits).toEqual(troubles);
    expect(watch.trouble).toBeUndefined();
  });

  it('throws what waiting cannot mend', async () => {
    const client = await serve(script([{ status: 403, text: 'Permission denied' }]));
    const views = client.catalog.watchNodes()[Symbol.asyncIterator]();
    await expect(views.next()).rejects.toMatchObject({ status: 403 });
  });

  it('refuses an endpoint without an index instead of asking it without end', async () => {
    const client = await serve(() => ({ json: {} }));
    const views = client.watch('/v1/agent/self')[Symbol.asyncIterator]();
    await expect(views.next()).rejects.toThrow(/cannot be watched/);
    expect(agent?.asked).toHaveLength(1);
  });

  it('ends when its signal is aborted, also in the middle of a question', async () => {
    const stop = new AbortController();
    const client = await serve(({ query }) => {
      if (!query.has('index')) return { json: [], index: 1 };
      stop.abort();
      return { hang: true };
    });
    let views = 0;
    for await (const _view of client.catalog.watchNodes({ signal: stop.signal })) views++;
    expect(views).toBe(1);
  });

  it('ends when closed while it waits after an error', async () => {
    const clock = new ManualClock();
    const client = await serve(() => ({ status: 500 }));
    const watch = client.kv.watch('a', { clock, onTrouble: () => queueMicrotask(() => watch.close()) });
    for await (const _view of watch) expect.unreachable();
    expect(agent?.asked).toHaveLength(1);
  });

  it('of a key shows that it is gone', async () => {
    const pair = { Key: 'a', Value: 'eA==', Flags: 0, LockIndex: 0, CreateIndex: 1, ModifyIndex: 1 };
    const client = await serve(
      script([
        { json: [pair], index: 1 },
        { status: 404, index: 2 },
      ]),
    );
    const seen: unknown[] = [];
    for await (const view of client.kv.watch('a')) {
      seen.push(view?.Key);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['a', undefined]);
  });
});

it('of Consul’s kind tells once of what stays the same, however its index rises', async () => {
  const value = (text: string) => [{ Key: 'a', Value: Buffer.from(text).toString('base64') }];
  const states = ['red', 'red', 'blue', 'blue', 'red'];
  const client = await serve(script(states.map((text, at) => ({ index: at + 1, json: value(text) }))));
  const seen: [string, number | undefined][] = [];
  const watch = watchSubject(client, { type: 'key', key: 'a' }, {});
  for await (const view of changedViews(watch, 'key')) {
    seen.push([Buffer.from(JSON.parse(view).Value, 'base64').toString(), watch.index]);
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([
    ['red', 1],
    ['blue', 3],
    ['red', 5],
  ]);
});

it('of Consul’s kind tells of events once, and says null where there are no keys', async () => {
  const event = (ID: string) => ({ ID, Name: 'deploy', Payload: null });
  const lists = [[], ['1', '2'], ['1', '2'], ['1', '2', '3'], ['4']];
  const told = async (type: 'event' | 'keyprefix', replies: Reply[], count: number) => {
    const client = await serve(script(replies));
    const seen: unknown[] = [];
    for await (const view of changedViews(watchSubject(client, { type, prefix: 'a/' }, {}), type)) {
      seen.push(JSON.parse(view));
      if (seen.length === count) break;
    }
    await agent?.stop();
    return seen;
  };
  const replies = lists.map((ids, at) => ({ index: at + 1, json: ids.map(event) }));
  expect(await told('event', replies, 4)).toEqual([
    [],
    [event('1'), event('2')],
    [event('3')],
    // The agent began anew: it does not remember the others.
    [event('4')],
  ]);
  const key = { Key: 'a/b', Value: 'eA==' };
  const keys = [
    { index: 1, status: 404 },
    { index: 2, json: [key] },
    { index: 3, status: 404 },
  ];
  expect(await told('keyprefix', keys, 3)).toEqual([null, [expect.objectContaining(key)], null]);
});
