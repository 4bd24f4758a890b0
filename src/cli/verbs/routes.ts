import type { RouteView, TrafficView } from '../../api/muster/wire.ts';
import type { ConnectionsView } from '../../api/muster/wire-answers.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

type Route = RouteView & { traffic: Omit<TrafficView, 'key'> | null };

export const routes = verb({
  args: [],
  examples: [{ command: 'muster routes' }, { command: 'muster routes -targets', does: 'with each instance' }],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    targets: { kind: 'boolean', summary: 'A line for each instance.' },
  },
  async run({ flags, terminal }) {
    const agent = connect(flags, terminal);
    const { value } = await agent.read<Route[]>('/v1/muster/routes');
    if (flags.json) {
      terminal.out(json(value));
      return;
    }
    const { value: pools } = await agent.read<ConnectionsView[]>('/v1/muster/connections');
    if (pools.length > 0) terminal.out(`${poolColumns(pools, flags.targets === true)}\n`);
    if (value.length === 0) {
      terminal.out('no routes: a passing instance with a tag such as urlprefix-/path makes one\n');
      return;
    }
    const rows: (string | number)[][] = [
      ['Route', 'Service', 'Strategy', 'Instances', 'Requests/s', 'Errors/s', 'p99'],
    ];
    for (const { host, path, service, strategy, targets, traffic } of value) {
      const p99 = traffic?.p99 ?? null;
      rows.push([
        `${host}${path}`,
        service,
        strategy,
        targets.length,
        (traffic?.requests ?? 0).toFixed(1),
        (traffic?.errors ?? 0).toFixed(1),
        p99 === null ? '-' : `${p99.toFixed(1)} ms`,
      ]);
      for (const { address, instance, share } of flags.targets ? targets : [])
        rows.push([`  ${address}`, instance, `${(share * 100).toFixed(1)} %`, '', '', '', '']);
    }
    terminal.out(columns(rows));
  },
});

/** Services over TCP and UDP, which are no routes. */
function poolColumns(pools: readonly ConnectionsView[], withInstances: boolean): string {
  const rows: (string | number)[][] = [['Pool', 'Service', 'Instances', 'Clients']];
  for (const { protocol, address, service, instances, active } of pools) {
    const taking = instances.filter(({ reason }) => reason === '');
    rows.push([`${protocol}://${address}`, service, taking.length, active]);
    for (const one of withInstances ? taking : []) rows.push([`  ${one.address}`, one.id, '', one.active]);
  }
  return columns(rows);
}
