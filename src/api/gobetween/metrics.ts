/** gobetween's metrics. Series of what is gone are gone. */
import type { Family, Sample } from '../../lib/metrics.ts';
import type { BackendStats, GobetweenServers, ServerStats } from './servers.ts';

const SERVER = {
  count: ['Backends of the server.', ({ backends }) => backends.length],
  active_connections: ['Clients connected at present.', ({ active_connections: value }) => value],
  rx_total: ['Bytes received from backends.', ({ rx_total: value }) => value],
  tx_total: ['Bytes sent to backends.', ({ tx_total: value }) => value],
  rx_second: ['Bytes received from backends in the last second.', ({ rx_second: value }) => value],
  tx_second: ['Bytes sent to backends in the last second.', ({ tx_second: value }) => value],
} as const satisfies Record<string, readonly [string, (stats: ServerStats) => number]>;

const BACKEND = {
  active_connections: ['Connections at present.', ({ active_connections: value }) => value],
  refused_connections: ['Connects that failed.', ({ refused_connections: value }) => value],
  total_connections: ['Connections since the start.', ({ total_connections: value }) => value],
  rx_bytes: ['Bytes received.', ({ rx }) => rx],
  tx_bytes: ['Bytes sent.', ({ tx }) => tx],
  rx_second: ['Bytes received in the last second.', ({ rx_second: value }) => value],
  tx_second: ['Bytes sent in the last second.', ({ tx_second: value }) => value],
  live: ['Whether its health check passes.', ({ live }) => (live ? 1 : 0)],
} as const satisfies Record<string, readonly [string, (stats: BackendStats['stats']) => number]>;

export interface MetricsSource {
  readonly servers: GobetweenServers;
  readonly version: string;
  /** Those of the process, which gobetween's page has too. */
  readonly own: () => readonly Family[];
}

/** Gauges all, as there. */
export function metricFamilies({ servers, version, own }: MetricsSource): Family[] {
  const all = Object.keys(servers.all()).flatMap((name) => {
    const stats = servers.stats(name);
    return stats === undefined ? [] : [{ name, stats }];
  });
  const build = { version, revision: '', branch: '', goversion: '' };
  return [
    gauge('build_info', 'What runs here.', [{ labels: build, value: 1 }]),
    ...Object.entries(SERVER).map(([key, [help, value]]) =>
      gauge(
        `server_${key}`,
        help,
        all.map(({ name, stats }) => ({ labels: { server: name }, value: value(stats) })),
      ),
    ),
    ...Object.entries(BACKEND).map(([key, [help, value]]) =>
      gauge(
        `backend_${key}`,
        help,
        all.flatMap(({ name, stats }) =>
          stats.backends.map(({ host, port, stats: figures }) => ({
            labels: { server: name, host, port },
            value: value(figures),
          })),
        ),
      ),
    ),
    ...own(),
  ];
}

function gauge(key: string, help: string, samples: readonly Sample[]): Family {
  return { name: `gobetween_${key}`, help, type: 'gauge', samples };
}
