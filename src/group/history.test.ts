import { expect, it } from 'vitest';
import { History } from './history.ts';
import type { Traffic } from './surroundings.ts';
import type { ManagedInstance } from './view.ts';

/** Two instances; what the balancer counts of each is what the test says. */
function start(traffic: () => Traffic | undefined) {
  const history = new History({ traffic });
  const instances = ['a', 'b'].map(
    (id): ManagedInstance => ({
      id,
      name: id,
      ports: {},
      port: undefined,
      state: { mode: 'running', pid: 1, since: 0 },
      restarts: 0,
      edition: 1,
      health: 'passing',
      ready: true,
      leaving: false,
    }),
  );
  return { history, instances };
}

it('has what all carry together, of requests and of what the group goes by besides', () => {
  let counted = 0;
  const { history, instances } = start(() => ({ requests: counted, errors: 0, inFlight: 3 }));
  const signals = [
    { kind: 'in_flight' as const, target: 5 },
    { kind: 'connections' as const, target: 5 },
    { kind: 'metric' as const, target: 1, source: { kind: 'key' as const, key: 'jobs' } },
  ];
  for (const at of [0, 10_000, 20_000]) {
    expect(history.isDue(at)).toBe(true);
    history.record(at, 2, instances, signals);
    counted += 400;
  }
  expect(history.isDue(25_000)).toBe(false);
  // A rate needs two looks; connections are of TCP services, which this is none of.
  expect(history.points.map(({ requests }) => requests)).toEqual([0, 80, 80]);
  expect(history.points.map(({ carried }) => carried)).toEqual(Array(3).fill({ in_flight: 6 }));
});

it('has requests alone where the group goes by nothing else, and an hour of them', () => {
  const { history, instances } = start(() => undefined);
  for (let at = 0; at < 400; at++) history.record(at * 10_000, 2, instances);
  expect(history.points).toHaveLength(360);
  expect(history.points.at(-1)).toEqual({ at: 3_990_000, size: 2, ready: 2, requests: 0 });
});
