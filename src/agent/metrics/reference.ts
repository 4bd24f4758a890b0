/** docs/reference/metrics.md, from the table of metrics. */
import type { Metrics } from './metric.ts';
import { METRICS } from './table.ts';

export function metricsReference(): string {
  return [
    '# Metrics',
    '',
    '<!-- Made from src/agent/metrics/table.ts by `node scripts/docs.mjs`. -->',
    '',
    'In the format of Prometheus at `/metrics` on the port of the HTTP API (a token needs `agent` read), and sent by OTLP to whom',
    '`telemetry.otlp_endpoint` names ([observability](../operations/observability.md)); parts that run alone serve theirs with `-metrics-listen`. Units are base units; series of services, routes and',
    'instances that are gone are gone too.',
    '',
    ...Object.entries<Metrics>(METRICS).flatMap(([title, part]) => [
      `## ${title}`,
      '',
      '| name | kind | labels | meaning |',
      '|---|---|---|---|',
      ...Object.entries(part).map(
        ([name, { type, labels, help }]) =>
          `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${help.replaceAll('|', '\\|')} |`,
      ),
      '',
    ]),
  ].join('\n');
}
