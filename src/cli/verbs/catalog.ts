import type { ReadOptions } from '../../client/index.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, JSON_FLAG, json, STALE_FLAG } from '../connect.ts';
import { verb } from '../verb.ts';

const flags = { ...CONNECTION_FLAGS, ...JSON_FLAG, ...STALE_FLAG } as const;

function reading(stale: boolean | undefined): ReadOptions {
  return stale ? { consistency: 'stale' } : {};
}

export const catalogDatacenters = verb({
  summary: 'Lists the known datacenters.',
  args: [],
  examples: [{ command: 'muster catalog datacenters' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, terminal }) {
    const names = await connect(flags, terminal).catalog.datacenters();
    terminal.out(flags.json ? json(names) : names.map((name) => `${name}\n`).join(''));
  },
});

export const catalogNodes = verb({
  summary: 'Lists the nodes, or those on which a service runs.',
  args: [],
  examples: [
    { command: 'muster catalog nodes' },
    { command: 'muster catalog nodes -service=web', does: 'nodes that run web' },
  ],
  flags: {
    ...flags,
    service: { kind: 'string', value: 'NAME', summary: 'Only nodes on which this service runs.' },
    detailed: { kind: 'boolean', summary: 'Whole IDs, all addresses and metadata.' },
  },
  async run({ flags, terminal }) {
    const { catalog } = connect(flags, terminal);
    let nodes = await catalog.nodes(reading(flags.stale));
    if (flags.service !== undefined) {
      const on = new Set(
        (await catalog.service(flags.service, reading(flags.stale))).map(({ Node }) => Node),
      );
      nodes = nodes.filter(({ Node }) => on.has(Node));
    }
    if (flags.json) {
      terminal.out(json(nodes));
      return;
    }
    if (flags.detailed) {
      const pairs = (map: Record<string, string> | null): string =>
        Object.entries(map ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .sort()
          .join(', ');
      terminal.out(
        columns([
          ['Node', 'ID', 'Address', 'DC', 'TaggedAddresses', 'Meta'],
          ...nodes.map((one) => [
            one.Node,
            one.ID,
            one.Address,
            one.Datacenter,
            pairs(one.TaggedAddresses),
            pairs(one.Meta),
          ]),
        ]),
      );
      return;
    }
    terminal.out(
      columns([
        ['Node', 'ID', 'Address', 'DC'],
        ...nodes.map((one) => [one.Node, one.ID.slice(0, 8), one.Address, one.Datacenter]),
      ]),
    );
  },
});

export const catalogServices = verb({
  summary: 'Lists the names of all services, or of those on a node.',
  args: [],
  examples: [
    { command: 'muster catalog services' },
    { command: 'muster catalog services -tags', does: 'with their tags' },
  ],
  flags: {
    ...flags,
    node: { kind: 'string', value: 'NAME', summary: 'Only services on this node, by name or ID.' },
    tags: { kind: 'boolean', summary: 'Show the tags too.' },
  },
  async run({ flags, terminal }) {
    const { catalog } = connect(flags, terminal);
    const services: Record<string, string[]> = {};
    if (flags.node === undefined) {
      Object.assign(services, await catalog.services(reading(flags.stale)));
    } else {
      const node = await catalog.node(flags.node, reading(flags.stale));
      for (const { Service, Tags } of Object.values(node?.Services ?? {}))
        services[Service] = [...new Set([...(services[Service] ?? []), ...Tags])];
    }
    const names = Object.keys(services).sort();
    if (flags.json) {
      terminal.out(json(flags.tags ? services : names));
      return;
    }
    terminal.out(
      flags.tags
        ? columns(names.map((name) => [name, [...services[name]!].sort().join(',')]))
        : names.map((name) => `${name}\n`).join(''),
    );
  },
});
