import { describe, expect, it } from 'vitest';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { configOf } from './config/read.test-support.ts';
import { plannedRoutes } from './planned-routes.ts';

const instance: DiscoveredInstance = {
  id: 'n1/web-1',
  service: 'web',
  node: 'n1',
  serviceId: 'web-1',
  host: '10.0.0.1',
  port: 80,
  tags: ['urlprefix-/web'],
  meta: null,
  datacenter: 'dc1',
  weight: 1,
  out: '',
};
const planned = (
  text: string,
  instances = [instance, { ...instance, id: 'n2/web-1', node: 'n2', host: '10.0.0.2' }],
) => plannedRoutes(configOf(text), instances, { name: 'n1', address: '10.0.0.9' });

describe('the routes of a configuration that nobody runs', () => {
  it('are those of the instances there are, with its policies', () => {
    const { routes } = planned(
      '[balancer]\nstrategy = "leastconn"\n[[balancer.policy]]\nservice = "web"\noptions = "timeout=5s"\n',
    );
    expect(routes).toMatchObject([
      {
        key: '/web',
        strategy: 'leastconn',
        options: { timeout: '5s' },
        targets: [{ share: 0.5 }, { share: 0.5 }],
      },
    ]);
  });

  it('have its services in the place of those registered, and new ones as if they were well', () => {
    const { routes, problems } = planned(
      '[[service]]\nname = "web"\nid = "web-1"\nport = 81\ntags = ["urlprefix-/web", "urlprefix-/new"]\n' +
        '[[service]]\nname = "api"\nport = 90\ntags = ["urlprefix-/api", "urlprefix-:"]\n',
    );
    const targets = Object.fromEntries(
      routes.map((route) => [route.key, route.targets.map(({ address }) => address).sort()]),
    );
    expect(targets).toMatchObject({
      '/api': ['10.0.0.9:90'],
      '/new': ['10.0.0.1:81'],
      '/web': ['10.0.0.1:81', '10.0.0.2:80'],
    });
    expect(problems).toEqual([expect.stringMatching(/^tag "urlprefix-:" of n1\/api \(api\): a port alone/)]);
  });
});
