/** On which node one more instance goes: names and counts only. */

export interface Place {
  /** Of the node. */
  readonly id: string;
  /** "" when it says none: those without one are a zone together. */
  readonly zone: string;
}

/**
 * The zone with the fewest instances, in it the node with the fewest, and of several the first by id. `taken` has the
 * node of each instance, also of those on nodes that are none of `nodes`. Undefined when there is no node.
 */
export function place(nodes: readonly Place[], taken: readonly string[]): string | undefined {
  const onNode = new Map(nodes.map(({ id }) => [id, 0]));
  const zoneOf = new Map(nodes.map(({ id, zone }) => [id, zone]));
  const inZone = new Map(nodes.map(({ zone }) => [zone, 0]));
  for (const id of taken) {
    const zone = zoneOf.get(id);
    if (zone === undefined) continue;
    onNode.set(id, onNode.get(id)! + 1);
    inZone.set(zone, inZone.get(zone)! + 1);
  }
  const [first] = nodes.toSorted(
    (a, b) =>
      inZone.get(a.zone)! - inZone.get(b.zone)! ||
      onNode.get(a.id)! - onNode.get(b.id)! ||
      (a.id < b.id ? -1 : 1),
  );
  return first?.id;
}
