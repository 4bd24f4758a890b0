import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { extend } from './extend.ts';

it('has the fields of both, of which those that are added count', () => {
  const of = { a: 1, b: 2 };
  expect(extend(of, { b: 3, c: 4 })).toEqual({ a: 1, b: 3, c: 4 });
  expect(of).toEqual({ a: 1, b: 2 });
});

it('gives all objects of a place one shape', () => {
  setFlagsFromString('--allow-natives-syntax');
  const haveOneShape = new Function('one', 'other', 'return %HaveSameMap(one, other)');
  const made = Array.from({ length: 100 }, (_, i) => extend({ a: i, b: 'text' }, { c: i, d: 0 }));
  for (const one of made) expect(haveOneShape(one, made[0])).toBe(true);
});
