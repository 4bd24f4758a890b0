import { EventLog } from '../cluster/event-log.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import { type ApiContext, type ApiSettings, DEFAULT_API_SETTINGS } from './context.ts';

/** A context over an empty store in memory, for tests. */
export function testContext(
  settings: Partial<ApiSettings> = {},
  parts: Partial<ApiContext> = {},
): { context: ApiContext } {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  return {
    context: {
      store,
      catalog: store.catalog,
      node: {
        id: '7d0a5ae4-5d5b-4d0c-8f2e-6f0f3a1c2b9d',
        name: 'test-1',
        datacenter: 'dc1',
        advertiseAddress: '127.0.0.1',
        version: '0.0.0',
        ports: { http: 8500, dns: 8600, server: 8300, serfLan: 8301 },
      },
      sessions: { renew: async () => {} },
      events: new EventLog(),
      startedAt: 0,
      settings: { ...DEFAULT_API_SETTINGS, ...settings },
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
      ...parts,
    },
  };
}
