import { PROMETHEUS_TEXT, prometheusText } from '../../lib/metrics.ts';
import type { ApiContext } from '../context.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { json, text } from '../reply.ts';
import { agentOf } from './context.ts';

interface Gauge {
  /** Consul's name, in parts with dots. */
  name: string;
  help: string;
  value: number;
}

/** A silence that never began, in ms. */
const NEVER = 2 ** 31 - 1;

/** What the agent measures of itself at this moment. */
function gauges(context: ApiContext): Gauge[] {
  const { registry } = agentOf(context);
  const { catalog } = context;
  const memory = process.memoryUsage();
  const { services, checks, heldBack } = registry.counts;
  return [
    { name: 'consul.runtime.alloc_bytes', help: 'Bytes of heap in use', value: memory.heapUsed },
    { name: 'consul.runtime.sys_bytes', help: 'Bytes of memory of the process', value: memory.rss },
    { name: 'consul.agent.services', help: 'Services of this agent', value: services },
    { name: 'consul.agent.checks', help: 'Checks of this agent', value: checks },
    {
      name: 'muster.agent.checks_held_back',
      help: 'Failing checks that the limit on floods keeps from being critical',
      value: heldBack,
    },
    { name: 'consul.state.nodes', help: 'Nodes in the catalog', value: catalog.count('nodes') },
    {
      name: 'consul.state.service_instances',
      help: 'Instances in the catalog',
      value: catalog.count('services'),
    },
    { name: 'consul.state.kv_entries', help: 'Keys in the key/value store', value: catalog.count('kv') },
    {
      name: 'muster.cluster.known_leader',
      help: 'Whether writes can be made, as far as this agent knows: 1 or 0',
      value: (context.store.remote?.contact().known ?? true) ? 1 : 0,
    },
    {
      name: 'muster.cluster.silence_seconds',
      help: 'For how long those who keep the catalog have been silent: how old this view is',
      value: Math.min(context.store.remote?.contact().silence ?? 0, NEVER) / 1000,
    },
    { name: 'consul.rpc.queries_blocking', help: 'Blocked queries', value: catalog.watches.size },
  ];
}

export const metrics = endpoint({
  method: 'GET',
  path: '/v1/agent/metrics',
  needs: 'agent:read',
  isLocal: true,
  summary: 'Figures of this agent, as JSON or in the format of Prometheus',
  query: { format: '"prometheus" for that format' },
  handler(context, request) {
    if (wantsPrometheus(request)) {
      if (!agentOf(context).prometheus)
        throw new HttpError(415, 'Prometheus is not enabled since its retention time is not positive');
      return text(prometheus(gauges(context)) + prometheusText(context.metrics?.() ?? []), {
        contentType: PROMETHEUS_TEXT,
      });
    }
    return json({
      Timestamp: timestamp(context.clock.now()),
      Gauges: gauges(context).map(({ name, value }) => ({ Name: name, Value: value, Labels: {} })),
      Points: [],
      Counters: [],
      Samples: [],
    });
  },
});

function wantsPrometheus({ query, headers }: ApiRequest): boolean {
  if (query.get('format') !== '') return query.get('format') === 'prometheus';
  const accept = headers.accept ?? '';
  return (
    /text\/plain\s*;\s*version=0\.0?\.?4/.test(accept) || accept.includes('application/openmetrics-text')
  );
}

function prometheus(all: readonly Gauge[]): string {
  return all
    .map(({ name, help, value }) => {
      const metric = name.replaceAll('.', '_');
      return `# HELP ${metric} ${help}\n# TYPE ${metric} gauge\n${metric} ${value}\n`;
    })
    .join('');
}

/** Go's way to print a time: "2026-11-20 11:30:00 +0000 UTC". */
function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
