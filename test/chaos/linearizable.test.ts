import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isLinearizable,
  type KeyOp,
  keyModel,
  type LockOp,
  lockModel,
  type Operation,
} from './linearizable.ts';

const at = <Op>(call: number, ret: number, op: Op): Operation<Op> => ({ call, ret, op });
const write = (value: string): KeyOp => ({ kind: 'write', value });
const read = (value: string): KeyOp => ({ kind: 'read', value });
const cas = (from: string, value: string, ok: boolean): KeyOp => ({ kind: 'cas', from, value, ok });
const good = (...history: Operation<KeyOp>[]) => expect(isLinearizable(history, keyModel)).toBe(true);
const bad = (...history: Operation<KeyOp>[]) => expect(isLinearizable(history, keyModel)).toBe(false);

describe('histories of a key that can have been', () => {
  it('one after the other', () =>
    good(at(0, 1, write('a')), at(2, 3, read('a')), at(4, 5, cas('a', 'b', true)), at(6, 7, read('b'))));
  it('a read during a write sees either', () => {
    good(at(0, 10, write('a')), at(1, 2, read('')), at(3, 4, read('a')));
    good(at(0, 10, write('a')), at(1, 2, read('a')));
  });
  it('a write of which nobody knows took place later, or never', () => {
    good(at(0, Number.POSITIVE_INFINITY, write('a')), at(5, 6, read('')), at(7, 8, read('a')));
    good(at(0, Number.POSITIVE_INFINITY, write('a')), at(5, 6, read('')), at(7, 8, read('')));
  });
  it('a write of which nobody knows takes place until its time is over, not after', () => {
    const late = (until: number, ...rest: Operation<KeyOp>[]) => [
      { ...at(0, Number.POSITIVE_INFINITY, write('a')), until },
      at(5, 6, read('')),
      ...rest,
    ];
    good(...late(8, at(7, 9, read('a'))));
    bad(...late(4, at(7, 9, read('a'))));
    good(...late(4, at(7, 9, read(''))));
  });
  it('one of two check-and-sets', () =>
    good(at(0, 9, cas('', 'a', true)), at(0, 9, cas('', 'b', false)), at(10, 11, read('a'))));
});

describe('histories of a key that cannot have been', () => {
  it('a stale read', () => bad(at(0, 1, write('a')), at(2, 3, write('b')), at(4, 5, read('a'))));
  it('a lost update', () => bad(at(0, 1, write('a')), at(2, 3, read(''))));
  it('a value that goes away again', () =>
    bad(at(0, 10, write('a')), at(1, 2, read('a')), at(3, 4, read(''))));
  it('two winners', () => bad(at(0, 9, cas('', 'a', true)), at(0, 9, cas('', 'b', true))));
  it('a refusal of what would have been right', () =>
    bad(at(0, 1, write('a')), at(2, 3, cas('a', 'b', false))));
  it('a value that nobody wrote', () => bad(at(0, 1, read('x'))));
  it('two readers who do not agree on an order', () =>
    bad(at(0, 20, write('a')), at(0, 20, write('b')), at(21, 22, read('a')), at(23, 24, read('b'))));
});

it('a lock is held by one at a time', () => {
  const acquire = (session: string, ok: boolean): LockOp => ({ kind: 'acquire', session, ok });
  const release = (session: string, ok: boolean): LockOp => ({ kind: 'release', session, ok });
  const is = (...history: Operation<LockOp>[]) => isLinearizable(history, lockModel);
  expect(
    is(
      at(0, 1, acquire('a', true)),
      at(2, 3, acquire('b', false)),
      at(4, 5, release('a', true)),
      at(6, 7, acquire('b', true)),
    ),
  ).toBe(true);
  expect(is(at(0, 1, acquire('a', true)), at(2, 3, acquire('b', true)))).toBe(false);
  expect(is(at(0, 1, acquire('a', true)), at(2, 3, release('b', true)))).toBe(false);
});

/** What an atomic key would have answered to operations that take effect in this order. */
function played(
  steps: readonly { kind: number; length: number; gap: number; before: number }[],
): Operation<KeyOp>[] {
  let value = '';
  let now = 0;
  return steps.map(({ kind, length, gap, before }, at) => {
    now += gap + 1;
    const fresh = `v${at}`;
    const times = { call: now - before, ret: now + length };
    if (kind === 0) return { ...times, op: read(value) };
    if (kind === 1) {
      value = fresh;
      return { ...times, op: write(fresh) };
    }
    const from = kind === 2 ? value : 'other';
    const ok = from === value;
    if (ok) value = fresh;
    return { ...times, op: cas(from, fresh, ok) };
  });
}

const steps = fc.array(fc.record({ kind: fc.nat(3), length: fc.nat(6), gap: fc.nat(3), before: fc.nat(6) }), {
  minLength: 5,
  maxLength: 60,
});

it('whatever an atomic key did is found to be possible', () => {
  fc.assert(fc.property(steps, (list) => isLinearizable(played(list), keyModel)));
});

it('a history of many minutes is judged, also with operations whose end nobody knows', () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const history = played(
    Array.from({ length: 12_000 }, () => ({
      kind: Math.floor(random() * 4),
      length: Math.floor(random() * 6),
      gap: Math.floor(random() * 3),
      before: Math.floor(random() * 4),
    })),
  ).map((one, at) => (at % 1_000 === 1 ? { ...one, ret: Number.POSITIVE_INFINITY } : one));
  expect(isLinearizable(history, keyModel)).toBe(true);
  const end = Math.max(...history.map(({ call }) => call)) + 10;
  const late = [
    at(end, end + 1, write('x')),
    at(end + 2, end + 3, write('y')),
    at(end + 4, end + 5, read('x')),
  ];
  expect(isLinearizable([...history, ...late], keyModel)).toBe(false);
});

it('a read of what was overwritten long before is always found', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const history = played(list);
      const end = Math.max(...history.map(({ ret }) => ret)) + 1;
      const late = [
        at(end, end + 1, write('old')),
        at(end + 2, end + 3, write('new')),
        at(end + 4, end + 5, read('old')),
      ];
      return !isLinearizable([...history, ...late], keyModel);
    }),
  );
});
