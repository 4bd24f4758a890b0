import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPrint, type Put, type Reconciliation, stepsOf } from './reconcile.ts';
import type { PresentService } from './target.ts';
import type { WantedService } from './wanted.ts';

const print = ({ name, address, port }: Pick<WantedService, 'name' | 'address' | 'port'>) =>
  `${name} ${address}:${port}`;

function service(id: string, fields: Partial<WantedService> = {}): WantedService {
  return {
    id,
    name: 'web',
    address: '',
    port: 80,
    tags: [],
    meta: {},
    tagOverride: false,
    check: undefined,
    verdict: undefined,
    container: { id: 'c', name: 'c' },
    ...fields,
  };
}

const present = (id: string, fields: Partial<PresentService> = {}): PresentService => ({
  id,
  name: 'web',
  owner: undefined,
  print: 'web :80',
  ...fields,
});

function steps(wanted: WantedService[], there: PresentService[], more: Partial<Reconciliation> = {}) {
  const { puts, removals } = stepsOf({
    wanted: new Map(wanted.map((one) => [one.id, one])),
    present: there,
    put: new Map(),
    print,
    hostname: 'here',
    cleanup: true,
    isKept: () => false,
    now: 0,
    ...more,
  });
  return { puts: puts.map(({ id }) => id), removals: removals.map(({ id, name }) => `${id} ${name}`) };
}

const putAs = (one: WantedService, at = 0): [string, Put] => [
  one.id,
  { print: fullPrint(one), at, container: one.container },
];

describe('what has to be done', () => {
  it('nothing when all stands as it should', () => {
    expect(steps([service('here:aa:80')], [present('here:aa:80')])).toEqual({ puts: [], removals: [] });
  });

  it('put what is missing or other, remove what nothing stands for', () => {
    expect(
      steps(
        [service('here:aa:80'), service('here:bb:80', { port: 81 })],
        [present('here:bb:80'), present('here:cc:80')],
      ),
    ).toEqual({ puts: ['here:aa:80', 'here:bb:80'], removals: ['here:cc:80 web'] });
  });

  it('leave alone what is of another host or of nobody', () => {
    const others = [
      'there:aa:80',
      'web',
      'here',
      'here:a',
      'here::80',
      'here:aa:80:tcp',
      'there:here:aa:80',
    ].map((id) => present(id));
    expect(steps([], others)).toEqual({ puts: [], removals: [] });
    expect(
      steps([], [present('own-id', { owner: 'here' }), present('other-id', { owner: 'there' })]),
    ).toEqual({
      puts: [],
      removals: ['own-id web'],
    });
  });

  it('put once more after a start, when a check may be another than wanted', () => {
    const checked = service('here:aa:80', { check: { TTL: '1s' } });
    expect(steps([checked], [present('here:aa:80')]).puts).toEqual(['here:aa:80']);
    expect(steps([checked], [present('here:aa:80')], { put: new Map([putAs(checked)]) }).puts).toEqual([]);
    const other = { ...checked, check: { TTL: '2s' } };
    expect(steps([other], [present('here:aa:80')], { put: new Map([putAs(checked)]) }).puts).toEqual([
      'here:aa:80',
    ]);
  });

  it('give a verdict again before it runs out', () => {
    const healthy = service('here:aa:80', {
      check: { TTL: '24h' },
      verdict: { status: 'passing', output: '' },
    });
    const at = (now: number) =>
      steps([healthy], [present('here:aa:80')], { put: new Map([putAs(healthy)]), now }).puts;
    expect(at(60_000)).toEqual([]);
    expect(at(2 * 3_600_000)).toEqual(['here:aa:80']);
  });

  it('take away an ID under an earlier name, where a registry has both', () => {
    const both = [present('here:aa:80'), present('here:aa:80', { name: 'old', print: 'old :80' })];
    expect(steps([service('here:aa:80')], both)).toEqual({ puts: [], removals: ['here:aa:80 old'] });
  });

  it('keep what is to be kept; without cleanup remove only what this run has put', () => {
    const gone = [present('here:aa:80'), present('here:bb:80')];
    expect(steps([], gone, { isKept: ({ id }) => id === 'here:aa:80' }).removals).toEqual(['here:bb:80 web']);
    const put = new Map([putAs(service('here:aa:80'))]);
    expect(steps([], gone, { cleanup: false, put }).removals).toEqual(['here:aa:80 web']);
  });

  it('after it, what stands of this host is what is wanted, and everything else is as it was', () => {
    const id = fc.tuple(
      fc.constantFrom('here', 'there'),
      fc.constantFrom('aa', 'bb', 'cc'),
      fc.constantFrom('80', '81:udp', 'x'),
    );
    const ids = fc.uniqueArray(id.map((parts) => parts.join(':')));
    fc.assert(
      fc.property(ids, ids, fc.nat(3), (wantedIds, presentIds, port) => {
        const wanted = wantedIds
          .filter((one) => one.startsWith('here'))
          .map((one) => service(one, { port: 80 + port }));
        const there = presentIds.map((one) => present(one));
        const { puts, removals } = stepsOf({
          wanted: new Map(wanted.map((one) => [one.id, one])),
          present: there,
          put: new Map(),
          print,
          hostname: 'here',
          cleanup: true,
          isKept: () => false,
          now: 0,
        });
        const after = new Map(there.map((one) => [one.id, one.print]));
        for (const one of removals) after.delete(one.id);
        for (const one of puts) after.set(one.id, print(one));
        for (const one of wanted) expect(after.get(one.id)).toBe(print(one));
        for (const one of there)
          if (!one.id.startsWith('here:') || one.id.endsWith(':x')) {
            if (!wanted.some((other) => other.id === one.id)) expect(after.get(one.id)).toBe(one.print);
          } else if (!wanted.some((other) => other.id === one.id)) expect(after.has(one.id)).toBe(false);
      }),
    );
  });
});
