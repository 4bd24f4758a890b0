import type { Node } from '../../catalog/rows.ts';

/** Consul's JSON of a node. */
export function nodeWire(node: Node) {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: node.taggedAddresses,
    Meta: node.meta,
    CreateIndex: node.createIndex,
    ModifyIndex: node.modifyIndex,
  };
}

export type NodeWire = ReturnType<typeof nodeWire>;
