import { describe, expect, it } from 'vitest';
import { Picture } from '../../../src/api/muster/picture.ts';
import { type InstanceView, type State, trafficKey } from '../../../src/api/muster/wire.ts';
import { MOST_CELLS } from '../parts/flow-layout.ts';
import { fits, flowServices, worstFirst } from './flow-services.ts';

function instance(
  service: string,
  number: number,
  state: State = 'passing',
  since: number | null = null,
): InstanceView {
  return {
    key: `n1/${service}-${number}`,
    service,
    id: `${service}-${number}`,
    node: 'n1',
    address: '10.0.0.1',
    port: 8000 + number,
    tags: ['v2'],
    weight: 1,
    state,
    since,
    reason: '',
    probeAt: null,
    checks: [],
  };
}

function pictureOf(...instances: InstanceView[]): Picture {
  const picture = new Picture({
    node: 'n1',
    datacenter: 'dc1',
    version: '0',
    startedAt: 0,
    api: '',
    dns: '',
    balancer: [],
    carriage: '',
    domain: 'consul',
    acl: false,
  });
  for (const name of new Set(instances.map(({ service }) => service))) {
    const own = instances.filter(({ service }) => service === name);
    const states: Partial<Record<State, number>> = {};
    for (const { state } of own) states[state] = (states[state] ?? 0) + 1;
    picture.put('services', { key: name, name, tags: [], instances: own.length, states, changedAt: null });
    for (const one of own) picture.put('instances', one);
  }
  return picture;
}

function route(picture: Picture, service: string, requests: number): void {
  picture.put('routes', {
    key: `/${service}`,
    listener: ':9999',
    host: '',
    path: `/${service}`,
    service,
    strategy: 'rr',
    options: {},
    targets: [],
  });
  picture.put('traffic', {
    key: trafficKey.service(service),
    requests,
    errors: 0,
    inFlight: 0,
    p50: null,
    p99: null,
  });
}

describe('services of the picture', () => {
  it('are the busiest, in the order of their names, those without a route last', () => {
    const picture = pictureOf(instance('a', 1), instance('b', 1), instance('c', 1), instance('d', 1));
    route(picture, 'b', 5);
    route(picture, 'c', 50);
    route(picture, 'd', 20);
    expect(flowServices(picture, 0, 2).map(({ name }) => name)).toEqual(['c', 'd']);
    expect(flowServices(picture, 0, 9).map(({ name, isRouted }) => [name, isRouted])).toEqual([
      ['b', true],
      ['c', true],
      ['d', true],
      ['a', false],
    ]);
  });

  it('show few instances all, as people count', () => {
    const picture = pictureOf(instance('a', 10), instance('a', 2, 'critical'));
    expect(flowServices(picture, 0, 9)[0]?.instances.map(({ id }) => id)).toEqual(['a-2', 'a-10']);
  });

  it('show of many some of each state: the rare ones are there, the rest keeps its share', () => {
    const many = Array.from({ length: 5000 }, (_, n) => instance('a', n, n < 1000 ? 'critical' : 'passing'));
    many[4999] = instance('a', 4999, 'draining');
    const [service] = flowServices(pictureOf(...many), 0, 9);
    const states = (service?.instances ?? []).map(({ state }) => state);
    expect(states.length).toBeLessThanOrEqual(MOST_CELLS);
    expect(states.filter((state) => state === 'critical')).toHaveLength(MOST_CELLS / 5);
    expect(states).toContain('draining');
  });

  it('pulse where something changed within the last minute, a dozen at most', () => {
    const now = 1_000_000;
    const list = Array.from({ length: 100 }, (_, n) =>
      instance('a', n, 'passing', n < 50 ? now - n : now - 70_000),
    );
    const [service] = flowServices(pictureOf(...list), now, 9);
    const pulsing = (service?.instances ?? []).filter(({ isChanged }) => isChanged).map(({ id }) => id);
    expect(pulsing).toEqual(Array.from({ length: 12 }, (_, n) => `a-${n}`));
  });
});

describe('finding instances', () => {
  it('is by state word, by "out", by text', () => {
    const [passing, critical] = [instance('web', 1), instance('web', 2, 'critical')];
    expect([fits(passing, '', ''), fits(critical, 'out', ''), fits(passing, 'out', '')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([fits(critical, 'critical', ''), fits(critical, 'ejected', '')]).toEqual([true, false]);
    for (const text of ['WEB-1', 'n1', '10.0.0.1:8001', 'v2'])
      expect(fits(passing, '', text), text).toBe(true);
    expect(fits(passing, '', 'other')).toBe(false);
  });

  it('lists the worst first', () => {
    const list = [
      instance('web', 10),
      instance('web', 2),
      instance('web', 3, 'warning'),
      instance('web', 4, 'critical'),
    ];
    expect(list.sort(worstFirst).map(({ id }) => id)).toEqual(['web-4', 'web-3', 'web-2', 'web-10']);
  });
});
