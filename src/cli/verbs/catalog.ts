import type { CatalogService, NodeEntry, ReadOptions } from '../../client/index.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect, reading } from '../connect.ts';
import { dataFrom } from '../data.ts';
import { JSON_FLAG, json } from '../output.ts';
import { pairsOf } from '../pairs.ts';
import { verb } from '../verb.ts';

const flags = { ...CONNECTION_FLAGS, ...JSON_FLAG } as const;

const NODE_META_FLAG = {
  'node-meta': { kind: 'list', value: 'KEY=VALUE', summary: 'Only nodes with this metadata.' },
} as const;

function nodeMetaOf(pairs: readonly string[] | undefined): ReadOptions {
  return pairs === undefined ? {} : { nodeMeta: pairsOf(pairs, 'node-meta') };
}

export const catalogDatacenters = verb({
  args: [],
  examples: [{ command: 'muster catalog datacenters' }],
  flags,
  async run({ flags, terminal }) {
    const names = await connect(flags, terminal).catalog.datacenters();
    terminal.out(flags.json ? json(names) : names.map((name) => `${name}\n`).join(''));
  },
});

export const catalogNodes = verb({
  args: [],
  examples: [
    { command: 'muster catalog nodes' },
    { command: 'muster catalog nodes -service=web', does: 'nodes that run web' },
  ],
  flags: {
    ...flags,
    service: { kind: 'string', value: 'NAME', summary: 'Only nodes on which this service runs.' },
    filter: { kind: 'string', value: 'EXPRESSION', summary: 'Only nodes that it fits.' },
    near: {
      kind: 'string',
      value: 'NODE',
      summary: 'The nearest to this node first; "_agent": to that of the agent.',
    },
    ...NODE_META_FLAG,
    detailed: { kind: 'boolean', summary: 'Whole IDs, all addresses and metadata.' },
  },
  async run({ flags, terminal }) {
    const { catalog } = connect(flags, terminal);
    const options: ReadOptions = { ...reading(flags), ...nodeMetaOf(flags['node-meta']) };
    if (flags.near !== undefined) options.near = flags.near;
    if (flags.filter !== undefined) options.filter = (await dataFrom(flags.filter, terminal)).toString();
    const nodes =
      flags.service === undefined
        ? await catalog.nodes(options)
        : nodesOf(await catalog.service(flags.service, options));
    if (nodes.length === 0 && !flags.json) {
      terminal.err('No nodes match the given query - try expanding your search.\n');
      return;
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

/** Each node once, in the order of its instances. */
function nodesOf(instances: readonly CatalogService[]): NodeEntry[] {
  const nodes = instances.map((one) => ({
    ID: one.ID,
    Node: one.Node,
    Address: one.Address,
    Datacenter: one.Datacenter,
    TaggedAddresses: one.TaggedAddresses,
    Meta: one.NodeMeta,
    CreateIndex: one.CreateIndex,
    ModifyIndex: one.ModifyIndex,
  }));
  return [...new Map(nodes.map((node) => [node.Node, node])).values()];
}

export const catalogServices = verb({
  args: [],
  examples: [
    { command: 'muster catalog services' },
    { command: 'muster catalog services -tags', does: 'with their tags' },
  ],
  flags: {
    ...flags,
    node: { kind: 'string', value: 'NAME', summary: 'Only services on this node, by name or ID.' },
    tags: { kind: 'boolean', summary: 'Show the tags too.' },
    ...NODE_META_FLAG,
  },
  async run({ flags, terminal }) {
    const { catalog } = connect(flags, terminal);
    const services: Record<string, string[]> = {};
    if (flags.node === undefined) {
      Object.assign(
        services,
        await catalog.services({ ...reading(flags), ...nodeMetaOf(flags['node-meta']) }),
      );
    } else {
      const node = await catalog.node(flags.node, reading(flags));
      for (const { Service, Tags } of Object.values(node?.Services ?? {}))
        services[Service] = [...new Set([...(services[Service] ?? []), ...Tags])];
    }
    const names = Object.keys(services).sort();
    if (names.length === 0 && !flags.json) {
      terminal.err('No services match the given query - try expanding your search.\n');
      return;
    }
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
