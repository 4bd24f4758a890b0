import { expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { formatHostPort, type HostPort } from '../../lib/host-port.ts';
import { silentLogger } from '../../lib/log.ts';
import type { RouteView } from '../../route/view.ts';
import { DynamicListeners, type DynamicOptions } from './dynamic-listeners.ts';

it('listens where TCP routes say, by address or by port alone, but where somebody listens anyhow', async () => {
  const addresses = new Map<string, HostPort>([['tcp-0', { host: '10.0.0.9', port: 5_003 }]]);
  let hosts = ['10.0.0.1:5001', '10.0.0.2:5001', ':5002', ':5003', '10.0.0.9:5003', 'name.test'];
  const fleet = {
    addresses,
    open: async ({ id, host, port }: { id: string } & HostPort) => void addresses.set(id, { host, port }),
    close: (id: string) => void addresses.delete(id),
  } as unknown as DynamicOptions['fleet'];
  const clock = new ManualClock();
  const listeners = new DynamicListeners({
    host: '0.0.0.0',
    refresh: 1_000,
    spec: {} as DynamicOptions['spec'],
    router: {
      routes: () => hosts.map((host) => ({ kind: 'tcp', host, isInForce: true }) as unknown as RouteView),
    },
    fleet,
    clock,
    log: silentLogger,
  });
  const open = () => [...addresses.values()].map(({ host, port }) => formatHostPort(host, port)).sort();
  await listeners.start();
  expect(open()).toEqual(['0.0.0.0:5002', '10.0.0.1:5001', '10.0.0.2:5001', '10.0.0.9:5003']);
  hosts = [':5002'];
  clock.advance(1_000);
  expect(open()).toEqual(['0.0.0.0:5002', '10.0.0.9:5003']);
  listeners.stop();
});
