import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { type Metrics, single } from './metric.ts';

export interface ProcessSources {
  readonly node: { readonly name: string; readonly datacenter: string; readonly version: string };
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** The agent as a process. The names without our prefix are those that every Prometheus client uses. */
export const processMetrics: Metrics<ProcessSources> = {
  muster_info: {
    type: 'gauge',
    help: 'Always 1; which agent this is stands in the labels.',
    labels: ['node', 'datacenter', 'version'],
    read: ({ node }) => [
      { labels: { node: node.name, datacenter: node.datacenter, version: node.version }, value: 1 },
    ],
  },
  process_start_time_seconds: single(
    'gauge',
    'When the agent started, in seconds since the epoch.',
    ({ startedAt }) => startedAt / 1000,
  ),
  process_cpu_seconds_total: single('counter', 'Processor time of all threads.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }),
  process_resident_memory_bytes: single('gauge', 'Memory of the process.', () => process.memoryUsage.rss()),
  process_open_fds: single('gauge', 'Open file descriptors, sockets among them.', openDescriptors),
  nodejs_heap_size_used_bytes: single(
    'gauge',
    'JavaScript heap of the main thread in use.',
    () => process.memoryUsage().heapUsed,
  ),
  muster_main_thread_active_seconds_total: single(
    'counter',
    'How long the main thread was busy: its rate is 1 when the API and DNS can do no more.',
    () => performance.eventLoopUtilization().active / 1000,
  ),
};

/** Undefined where the system does not tell. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
