import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Picture } from './picture.ts';
import {
  type About,
  type ChangeLine,
  type Delta,
  MAX_CHANGES,
  MAX_HISTORY,
  type Snapshot,
  type TrafficView,
} from './wire.ts';

const ABOUT: About = {
  node: 'n1',
  datacenter: 'dc1',
  version: '0',
  startedAt: 0,
  api: '127.0.0.1:8500',
  dns: '',
  balancer: [],
  carriage: '',
  domain: 'consul',
  acl: false,
};

/** What goes over the wire is text. */
function sent<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

function traffic(key: string, requests: number): TrafficView {
  return { key, requests, errors: 0, inFlight: 0, p50: null, p99: null };
}

function line(seq: number): ChangeLine {
  return {
    seq,
    at: seq,
    kind: 'node',
    text: 'node n joined',
    reason: '',
    service: '',
    instances: [],
    state: null,
  };
}

/** Order of items is not part of the picture. */
function sorted(snapshot: Snapshot): unknown {
  const { at: _at, ...rest } = snapshot;
  return { ...rest, traffic: [...rest.traffic].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    key: fc.constantFrom('a', 'b', '__proto__'),
    value: fc.nat(3),
  }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.constantFrom('a', 'b', '__proto__') }),
  fc.record({ kind: fc.constant('change' as const), count: fc.integer({ min: 1, max: MAX_CHANGES + 5 }) }),
  fc.record({ kind: fc.constant('history' as const), count: fc.integer({ min: 1, max: MAX_HISTORY + 5 }) }),
  fc.record({ kind: fc.constant('tell' as const) }),
);

describe('the picture', () => {
  it('is the same at both ends: a snapshot and all deltas after it make the later snapshot', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 30 }), (before, after) => {
        const server = new Picture(ABOUT);
        let seq = 0;
        const deltas: Delta[] = [];
        const play = (steps: typeof before) => {
          for (const one of steps) {
            if (one.kind === 'put') server.put('traffic', traffic(one.key, one.value));
            else if (one.kind === 'remove') server.remove('traffic', one.key);
            else if (one.kind === 'change') for (let i = 0; i < one.count; i++) server.addChange(line(seq++));
            else if (one.kind === 'history')
              for (let i = 0; i < one.count; i++)
                server.addHistory({ at: seq++, requests: 0, errors: 0, p50: null, p99: null });
            else deltas.push(...[server.takeDelta(seq)].filter((delta) => delta !== undefined));
          }
          deltas.push(...[server.takeDelta(seq)].filter((delta) => delta !== undefined));
        };
        play(before);
        const browser = Picture.from(sent(server.snapshot(seq)));
        deltas.length = 0;
        play(after);
        for (const delta of deltas) browser.apply(sent(delta));
        expect(sorted(browser.snapshot(0))).toEqual(sorted(server.snapshot(0)));
      }),
      { numRuns: 60 },
    );
  });

  it('says nothing about what is put again unchanged', () => {
    const picture = new Picture(ABOUT);
    picture.put('traffic', traffic('a', 1));
    expect(picture.takeDelta(1)).toMatchObject({ set: { traffic: [{ key: 'a' }] } });
    picture.put('traffic', traffic('a', 1));
    expect(picture.takeDelta(2)).toBeUndefined();
  });

  it('tells only the last of several changes to one item', () => {
    const picture = new Picture(ABOUT);
    picture.put('traffic', traffic('a', 1));
    picture.put('traffic', traffic('a', 2));
    picture.put('traffic', traffic('b', 2));
    picture.remove('traffic', 'b');
    expect(picture.takeDelta(1)).toEqual({
      at: 1,
      set: { traffic: [traffic('a', 2)] },
      gone: { traffic: ['b'] },
    });
  });
});
