import { expect, it } from 'vitest';
import { Picture } from '../../../src/api/muster/picture.ts';
import { MAX_TARGET_HISTORY, trafficKey } from '../../../src/api/muster/wire.ts';
import { carriedOn, type Histories } from './histories.ts';

const ABOUT = {
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
};

it('histories grow with what is live, take in newcomers, forget who left, and stay bounded', () => {
  const picture = new Picture(ABOUT);
  const live = (service: string, address: string, p99: number) =>
    picture.put('traffic', {
      key: trafficKey.target(service, address),
      requests: 1,
      errors: 0,
      inFlight: 0,
      p50: 1,
      p99,
    });
  live('web', '10.0.0.1:80', 5);
  live('web2', '10.0.0.9:80', 5);
  let histories: Histories = new Map([[trafficKey.target('Web', '10.0.0.7:80'), []]]);
  histories = carriedOn(histories, 'Web', picture, 1000);
  expect([...histories.keys()]).toEqual(['target web 10.0.0.1:80']);
  live('web', '10.0.0.1:80', 9);
  live('web', '10.0.0.2:80', 7);
  histories = carriedOn(histories, 'Web', picture, 2000);
  expect([...histories.values()].map((points) => points.map(({ p99 }) => p99))).toEqual([[5, 9], [7]]);
  for (let at = 0; at < 100; at++) histories = carriedOn(histories, 'Web', picture, at);
  for (const points of histories.values()) expect(points).toHaveLength(MAX_TARGET_HISTORY);
});
