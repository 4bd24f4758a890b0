import type { InstanceView, RouteView, State, TrafficView } from '../../api/muster/wire.ts';
import type { ConnectionsView } from '../../api/muster/wire-answers.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { many } from '../many.ts';
import { JSON_FLAG, json } from '../output.ts';
import { printable } from '../printable.ts';
import { verb } from '../verb.ts';

/** Of `GET /v1/muster/services/:name`. */
export interface ServiceAnswer {
  readonly name: string;
  readonly states: Readonly<Partial<Record<State, number>>>;
  readonly traffic: Omit<TrafficView, 'key'> | null;
  readonly routes: readonly RouteView[];
  readonly instances: readonly (InstanceView & {
    readonly traffic: Omit<TrafficView, 'key'> | null;
    /** Why it gets nothing of the routes that it asks for; "" when it does, null when it asks for none. */
    readonly obstacle: string | null;
  })[];
}

/** Characters of a failing check's output that are shown. */
const SHOWN = 160;

export const why = verb({
  about: 'Exits with 1 when no instance gets any.',
  args: ['SERVICE'],
  examples: [{ command: 'muster why web' }, { command: 'muster why web --json', does: 'for a program' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, args: [service = ''], terminal }) {
    const agent = connect(flags, terminal);
    const { value } = await agent.read<ServiceAnswer>(`/v1/muster/services/${encodeURIComponent(service)}`);
    const { instances, routes, traffic } = value;
    const all = await agent.read<ConnectionsView[]>('/v1/muster/connections');
    const pools = all.value.filter((pool) => pool.service.toLowerCase() === value.name.toLowerCase());
    const targets = new Set([
      ...routes.flatMap((route) => route.targets.map((target) => `${target.instance} ${target.address}`)),
      ...pools.flatMap((pool) =>
        pool.instances.filter(({ reason }) => reason === '').map((one) => `${one.id} ${one.address}`),
      ),
    ]);
    const hasWays = routes.length + pools.length > 0;
    // Checks say nothing of whom the balancer asks: it wants one of the instance's own, and a port. No rule of it goes on with one in maintenance; what is told of its routes may be a moment older than that.
    const isTaking = ({ state, id, address, port }: InstanceView): boolean =>
      hasWays
        ? state !== 'maintenance' && targets.has(`${id} ${formatHostPort(address, port)}`)
        : state === 'passing';
    const takes = instances.filter(isTaking).length;
    const code = takes > 0 && routes.length + pools.length > 0 ? 0 : 1;
    if (flags.json) {
      terminal.out(json({ ...value, pools }));
      return code;
    }
    terminal.out(`${value.name}: ${takes} of ${many(instances.length, 'instance')} may get traffic\n`);
    for (const { protocol, address, active } of pools)
      terminal.out(`  ${protocol}://${address}  ${many(active, 'client')} now\n`);
    if (routes.length + pools.length === 0)
      terminal.out('No route leads to it: none of its instances has a tag such as urlprefix-/path.\n');
    for (const { host, path, strategy, targets, options, note = '' } of routes) {
      const words = Object.entries(options).map(([name, value]) => `, ${name}=${value}`);
      terminal.out(`  ${host}${path}  ${strategy}, ${many(targets.length, 'target')}${words.join('')}\n`);
      if (note !== '') terminal.out(`    ${note}\n`);
    }
    const total = traffic?.requests ?? 0;
    const now = Date.now();
    terminal.out('\n');
    for (const instance of instances) {
      const { id, node, address, port, state, since, checks } = instance;
      const reason = instance.reason || (isTaking(instance) ? '' : obstacleTo(instance, pools, hasWays));
      const isIn = isTaking(instance);
      const age = since === null ? 'since before the start' : `for ${spanText(now - since)}`;
      const held = pools
        .flatMap((pool) => pool.instances)
        .filter((one) => one.id === id && one.node === node);
      const requests = instance.traffic?.requests ?? 0;
      const share = total > 0 ? `, ${((requests / total) * 100).toFixed(0)} % of the traffic` : '';
      const idle = held.length > 0 ? '' : ', no traffic at present';
      terminal.out(`${isIn ? '→' : '✗'} ${printable(id)}  ${formatHostPort(address, port)} on ${node}\n`);
      terminal.out(`    ${state} ${age}${isIn ? share || idle : ''}\n`);
      for (const { active, connections, refused } of held)
        terminal.out(
          `    ${many(active, 'connection')} now, ${connections} since the start, ${refused} not taken\n`,
        );
      if (reason !== '') terminal.out(`    ${printable(reason)}\n`);
      // The reason may have said it already.
      const failing = checks.filter(
        ({ status, output }) => status !== 'passing' && output !== '' && !reason.includes(shown(output)),
      );
      terminal.out(
        columns(failing.map(({ name, id: check, output }) => [`    ${name || check}:`, shown(output)])),
      );
    }
    return code;
  },
});

/** Why an instance that passes gets nothing; "" when nothing could lead to it. */
function obstacleTo(
  { obstacle, id, node }: Pick<ServiceAnswer['instances'][number], 'obstacle' | 'id' | 'node'>,
  pools: readonly ConnectionsView[],
  hasWays: boolean,
): string {
  const held = pools.flatMap((pool) => pool.instances).find((one) => one.id === id && one.node === node);
  return obstacle || held?.reason || (hasWays ? 'no route leads to it' : '');
}

function shown(output: string): string {
  return output.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN);
}

function spanText(ms: number): string {
  return formatDuration(Math.max(0, Math.round(ms / 1000) * 1000));
}
