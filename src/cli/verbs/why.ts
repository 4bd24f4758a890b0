import type { InstanceView, RouteView, State, TrafficView } from '../../api/muster/wire.ts';
import { formatDuration } from '../../lib/duration.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, JSON_FLAG, json } from '../connect.ts';
import { verb } from '../verb.ts';

/** Of `GET /v1/muster/services/:name`. */
export interface ServiceAnswer {
  readonly name: string;
  readonly states: Readonly<Partial<Record<State, number>>>;
  readonly traffic: Omit<TrafficView, 'key'> | null;
  readonly routes: readonly RouteView[];
  readonly instances: readonly (InstanceView & { readonly traffic: Omit<TrafficView, 'key'> | null })[];
}

/** Characters of a failing check's output that are shown. */
const SHOWN = 160;

export const why = verb({
  summary: 'Says of each instance of a service whether it gets traffic, since when, and why not.',
  about: 'Exits with 1 when no instance gets any.',
  args: ['SERVICE'],
  examples: [{ command: 'muster why web' }, { command: 'muster why web --json', does: 'for a program' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, args: [service = ''], terminal }) {
    const { value } = await connect(flags, terminal).read<ServiceAnswer>(
      `/v1/muster/services/${encodeURIComponent(service)}`,
    );
    const { instances, routes, traffic } = value;
    const takes = instances.filter(({ state }) => state === 'passing').length;
    if (flags.json) {
      terminal.out(json(value));
      return takes > 0 && routes.length > 0 ? 0 : 1;
    }
    terminal.out(`${value.name}: ${takes} of ${instances.length} instances may get traffic\n`);
    if (routes.length === 0)
      terminal.out('No route leads to it: none of its instances has a tag such as urlprefix-/path.\n');
    for (const { host, path, strategy, targets, options, note = '' } of routes) {
      const words = Object.entries(options).map(([name, value]) => `, ${name}=${value}`);
      terminal.out(`  ${host}${path}  ${strategy}, ${targets.length} targets${words.join('')}\n`);
      if (note !== '') terminal.out(`    ${note}\n`);
    }
    const total = traffic?.requests ?? 0;
    const now = Date.now();
    terminal.out('\n');
    for (const { id, node, address, port, state, since, reason, checks, ...instance } of instances) {
      const age = since === null ? 'since before the start' : `for ${spanText(now - since)}`;
      const requests = instance.traffic?.requests ?? 0;
      const share = total > 0 ? ` ${((requests / total) * 100).toFixed(0)} % of the traffic` : '';
      terminal.out(`${state === 'passing' ? '→' : '✗'} ${id}  ${address}:${port} on ${node}\n`);
      terminal.out(
        `    ${state} ${age}${state === 'passing' ? `,${share || ' no traffic at present'}` : ''}\n`,
      );
      if (reason !== '') terminal.out(`    ${reason}\n`);
      const failing = checks.filter(({ status, output }) => status !== 'passing' && output !== '');
      terminal.out(
        columns(
          failing.map(({ name, id: check, output }) => [
            `    ${name || check}:`,
            output.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN),
          ]),
        ),
      );
    }
    return takes > 0 && routes.length > 0 ? 0 : 1;
  },
});

function spanText(ms: number): string {
  return formatDuration(Math.max(0, Math.round(ms / 1000) * 1000));
}
