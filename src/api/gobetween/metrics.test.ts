import { expect, it } from 'vitest';
import { prometheusText } from '../../lib/metrics.ts';
import { metricFamilies } from './metrics.ts';

it("tells of servers, backends and the process what gobetween's page tells", () => {
  const figures = {
    live: true,
    discovered: true,
    total_connections: 5,
    active_connections: 2,
    refused_connections: 1,
    rx: 10,
    tx: 20,
    rx_second: 3,
    tx_second: 4,
  };
  const stats = { active_connections: 2, rx_total: 10, tx_total: 20, rx_second: 3, tx_second: 4 };
  const backend = { host: '[::1]', port: '80', priority: 1, weight: 1, stats: figures };
  const servers = {
    all: () => ({ web: {} }),
    get: () => undefined,
    create: async () => {},
    delete() {},
    stats: () => ({ ...stats, backends: [backend] }),
    dump: () => '',
  };
  const own = () => [
    {
      name: 'process_open_fds',
      help: 'Open.',
      type: 'gauge' as const,
      samples: [{ labels: {}, value: 7 }],
    },
  ];
  const text = prometheusText(metricFamilies({ servers, version: '1', own }));
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const ofBackend = '{server="web",host="[::1]",port="80"}';
  expect(series).toEqual([
    'gobetween_build_info{version="1",revision="",branch="",goversion=""} 1',
    'gobetween_server_count{server="web"} 1',
    'gobetween_server_active_connections{server="web"} 2',
    'gobetween_server_rx_total{server="web"} 10',
    'gobetween_server_tx_total{server="web"} 20',
    'gobetween_server_rx_second{server="web"} 3',
    'gobetween_server_tx_second{server="web"} 4',
    `gobetween_backend_active_connections${ofBackend} 2`,
    `gobetween_backend_refused_connections${ofBackend} 1`,
    `gobetween_backend_total_connections${ofBackend} 5`,
    `gobetween_backend_rx_bytes${ofBackend} 10`,
    `gobetween_backend_tx_bytes${ofBackend} 20`,
    `gobetween_backend_rx_second${ofBackend} 3`,
    `gobetween_backend_tx_second${ofBackend} 4`,
    `gobetween_backend_live${ofBackend} 1`,
    'process_open_fds 7',
  ]);
});
