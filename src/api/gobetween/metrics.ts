/** gobetween's metrics, in Prometheus' text format. Series of what is gone are gone. */
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

export function metricsPage({
  servers,
  version,
}: {
  readonly servers: GobetweenServers;
  readonly version: string;
}): string {
  const all = Object.keys(servers.all()).flatMap((name) => {
    const stats = servers.stats(name);
    return stats === undefined ? [] : [{ name, stats }];
  });
  const build = { version, revision: '', branch: '', goversion: '' };
  const lines = [...family('build_info', 'What runs here.', [[build, 1]])];
  for (const [key, [help, value]] of Object.entries(SERVER))
    lines.push(
      ...family(
        `server_${key}`,
        help,
        all.map(({ name, stats }) => [{ server: name }, value(stats)]),
      ),
    );
  for (const [key, [help, value]] of Object.entries(BACKEND)) {
    const samples = all.flatMap(({ name, stats }) =>
      stats.backends.map(
        ({ host, port, stats: figures }): Sample => [{ server: name, host, port }, value(figures)],
      ),
    );
    lines.push(...family(`backend_${key}`, help, samples));
  }
  return `${lines.join('\n')}\n`;
}

type Sample = [labels: Readonly<Record<string, string>>, value: number];

/** Gauges all, as there. */
function family(key: string, help: string, samples: readonly Sample[]): string[] {
  const name = `gobetween_${key}`;
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => {
      const written = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
      return `${name}{${written.join(',')}} ${value}`;
    }),
  ];
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
