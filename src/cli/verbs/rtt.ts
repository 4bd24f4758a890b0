import { type Coordinate, type NodeCoordinate, roundTrip } from '../../client/index.ts';
import { MusterError } from '../../errors.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { verb } from '../verb.ts';

export const rtt = verb({
  about: 'Without NODE2 it is that to the node of the agent. With -wan nodes are written NODE.DATACENTER.',
  args: ['NODE', '[NODE2]'],
  examples: [
    { command: 'muster rtt web-1' },
    { command: 'muster rtt web-1 db-2', does: 'between these two' },
  ],
  flags: {
    ...CONNECTION_FLAGS,
    wan: { kind: 'boolean', summary: 'Between servers of datacenters.' },
  },
  async run({ flags, args: [first = '', given], terminal }) {
    const { agent, coordinate } = connect(flags, terminal);
    const { Config } = given === undefined ? await agent.self() : {};
    const own = `${Config?.NodeName}${flags.wan ? `.${Config?.Datacenter}` : ''}`;
    const names: [string, string] = [first, given ?? own];
    if (flags.wan && !names.every((name) => /^[^.]+\.[^.]+$/.test(name)))
      throw new MusterError('usage', 'with -wan write nodes as NODE.DATACENTER');
    const known = flags.wan
      ? (await coordinate.datacenters(reading(flags))).flatMap(({ Datacenter, Coordinates }) =>
          Coordinates.map((one) => ({ ...one, Node: `${one.Node}.${Datacenter}` })),
        )
      : await coordinate.nodes(reading(flags));
    const [a, b] = names.map((name) => placeOf(known, name)) as [Coordinate, Coordinate];
    const ms = (roundTrip(a, b) * 1000).toFixed(3);
    terminal.out(
      `Estimated ${names[0]} <-> ${names[1]} rtt: ${ms} ms (using ${flags.wan ? 'WAN' : 'LAN'} coordinates)\n`,
    );
  },
});

function placeOf(known: readonly NodeCoordinate[], name: string): Coordinate {
  const found = known.find(({ Node }) => Node === name);
  if (found === undefined)
    throw new MusterError(
      'request.rejected',
      `could not find a coordinate for node "${name}"; nodes get theirs with PUT /v1/coordinate/update`,
    );
  return found.Coord;
}
