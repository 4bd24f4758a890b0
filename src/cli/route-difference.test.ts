import { describe, expect, it } from 'vitest';
import { routeDifference } from './route-difference.ts';

const target = (instance: string, share: number) => ({
  instance,
  address: `10.0.0.1:${instance}`,
  weight: 0,
  share,
});
const route = (key: string, options = {}, ...targets: ReturnType<typeof target>[]) => ({
  key,
  service: 'web',
  strategy: 'rr',
  options,
  targets,
});

describe('the difference between routes', () => {
  it('is nothing between the same ones, in whatever order', () => {
    const a = route('/a', { timeout: '5s' }, target('1', 1));
    const b = route('/b');
    expect(routeDifference([a, b], [b, { ...a, targets: [target('1', 1.000_000_1)] }])).toEqual([]);
  });

  it('names what comes and goes, and what is otherwise', () => {
    const before = [route('/gone'), route('/same', { timeout: '1s' }, target('1', 0.5), target('2', 0.5))];
    const after = [
      { ...route('/same', { rate: '5/s' }, target('1', 0.25), target('3', 0.75)), strategy: 'maglev' },
      route('/new', { strip: '/x' }, target('1', 1)),
    ];
    expect(routeDifference(before, after)).toEqual([
      '- /gone  web, rr',
      '+ /new  web, rr, strip=/x',
      '    + 1 at 10.0.0.1:1: 100 %',
      '~ /same  web',
      '    strategy: rr → maglev',
      '    timeout: 1s → none',
      '    rate: none → 5/s',
      '    - 2 at 10.0.0.1:2: 50 %',
      '    1 at 10.0.0.1:1: 50 % → 25 %',
      '    + 3 at 10.0.0.1:3: 75 %',
    ]);
  });
});
