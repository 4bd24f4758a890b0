import { expect, it } from 'vitest';
import type { ContainerDetails, ContainerSummary } from '../docker/types.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { Containers } from './containers.ts';

/** As an engine tells them: the list by the second, the details by the nanosecond, zeros at the end left out. */
const CREATED: Record<string, [second: number, exactly: string]> = {
  d: [1_700_000_000, '2023-11-14T22:13:20Z'],
  c: [1_700_000_000, '2023-11-14T22:13:20.3Z'],
  b: [1_700_000_000, '2023-11-14T22:13:20.35Z'],
  a: [1_700_000_001, '2023-11-14T22:13:21.1Z'],
};

it('are told the oldest first, also of one second', async () => {
  const details = (Id: string): ContainerDetails => ({
    Id,
    Name: `/${Id}`,
    Created: CREATED[Id]?.[1] ?? '',
    Config: {},
  });
  const list = Object.entries(CREATED).map(([Id, [Created]]): ContainerSummary => ({ Id, Created }));
  const engine = {
    listContainers: async () => list.reverse(),
    inspectContainer: async (id: string) => details(id),
  };
  const containers = new Containers({ engine, clock: new ManualClock(), logger: silentLogger, late() {} });
  for (let i = 0; i < 2; i++) {
    const { running } = await containers.view({ failed: false, signal: new AbortController().signal });
    expect(running.map(({ Id }) => Id)).toEqual(['d', 'c', 'b', 'a']);
  }
});

it('of which the engine says nothing keep nobody waiting, and are known when it does', async () => {
  let answer: (details: ContainerDetails) => void = () => {};
  const details = (Id: string): ContainerDetails => ({ Id, Name: `/${Id}`, Created: '', Config: {} });
  const engine = {
    listContainers: async () => [{ Id: 'slow' }, { Id: 'quick' }, { Id: 'ending' }] as ContainerSummary[],
    inspectContainer: (id: string): Promise<ContainerDetails> => {
      if (id === 'ending') throw new Error('nobody asks');
      return id === 'quick' ? Promise.resolve(details(id)) : new Promise((resolve) => (answer = resolve));
    },
  };
  const clock = new ManualClock();
  let late = 0;
  const containers = new Containers({ engine, clock, logger: silentLogger, late: () => late++ });
  const view = () =>
    containers.view({
      failed: false,
      isLeaving: (id) => id === 'ending',
      signal: new AbortController().signal,
    });
  const first = view();
  // The list is there, and the look has begun.
  await new Promise(setImmediate);
  clock.advance(500);
  expect(await first).toMatchObject({ running: [{ Id: 'quick' }], unknown: [{ Id: 'slow' }] });
  expect(late).toBe(0);
  answer(details('slow'));
  await soon(() => expect(late).toBe(1));
  expect((await view()).running.map(({ Id }) => Id).sort()).toEqual(['quick', 'slow']);
});

it('to which something happens while they are looked into stay as they are until they are looked into again', async () => {
  const list: ContainerSummary[] = [{ Id: 'one', State: 'exited', Status: 'Exited (1) now' }];
  let answer: (details: ContainerDetails) => void = () => {};
  const engine = {
    listContainers: async () => list,
    inspectContainer: () => new Promise<ContainerDetails>((resolve) => (answer = resolve)),
  };
  const containers = new Containers({ engine, clock: new ManualClock(), logger: silentLogger, late() {} });
  const ended = { Id: 'one', Name: '/one', Config: {}, State: { Running: false, ExitCode: 1 } };
  const view = async () => {
    const seen = containers.view({ failed: true, signal: new AbortController().signal });
    await new Promise(setImmediate);
    return () => {
      answer(ended as ContainerDetails);
      return seen;
    };
  };
  const first = await view();
  containers.forget('one');
  expect(await first()).toMatchObject({ failed: [], unknown: [{ Id: 'one' }] });
  expect(await (await view())()).toMatchObject({ failed: [{ Id: 'one' }], unknown: [] });
});

it('to which something happens while the others are looked into are not taken for gone', async () => {
  // One that failed, or got healthy, while another was looked into lost its registration for a moment, or for good.
  let answer: (details: ContainerDetails) => void = () => {};
  const details = (Id: string): ContainerDetails => ({ Id, Name: `/${Id}`, Created: '', Config: {} });
  const engine = {
    listContainers: async () => [{ Id: 'quick' }, { Id: 'slow' }, { Id: 'gone' }] as ContainerSummary[],
    inspectContainer: async (id: string) => {
      if (id === 'gone') return undefined;
      return id === 'quick' ? details(id) : new Promise<ContainerDetails>((resolve) => (answer = resolve));
    },
  };
  const containers = new Containers({ engine, clock: new ManualClock(), logger: silentLogger, late() {} });
  const view = containers.view({ failed: false, signal: new AbortController().signal });
  await new Promise(setImmediate);
  containers.forget('quick');
  answer(details('slow'));
  expect(await view).toMatchObject({ running: [{ Id: 'slow' }], unknown: [{ Id: 'quick' }] });
});

it('that wait to be started again run for Docker, and have failed', async () => {
  const list: ContainerSummary[] = [
    { Id: 'failed', State: 'restarting', Status: 'Restarting (1) 3 seconds ago' },
    { Id: 'ended', State: 'restarting', Status: 'Restarting (0) 3 seconds ago' },
    { Id: 'killed', State: 'restarting', Status: 'Restarting (137) 3 seconds ago' },
  ];
  const engine = {
    listContainers: async () => list,
    inspectContainer: async (Id: string): Promise<ContainerDetails> => ({
      Id,
      Name: `/${Id}`,
      Config: {},
      State: { Running: true, Restarting: true, ExitCode: 1 },
    }),
  };
  const containers = new Containers({ engine, clock: new ManualClock(), logger: silentLogger, late() {} });
  const { signal } = new AbortController();
  const none = { running: [], unknown: [] };
  expect(await containers.view({ failed: true, signal })).toMatchObject({
    ...none,
    failed: [{ Id: 'failed' }],
  });
  expect(await containers.view({ failed: false, signal })).toMatchObject({ ...none, failed: [] });
});
