import type { Catalog } from '../catalog/catalog.ts';
import type { ChangeBatch } from '../catalog/feed.ts';
import type { Node, Service } from '../catalog/rows.ts';
import { nodeKey, serviceKey } from '../catalog/tables.ts';
import { addressBytes } from '../lib/ip.ts';

/** Names by address. Built at the first question, kept up to date from the feed from then on. */
export class ReverseIndex {
  readonly #catalog: Catalog;
  readonly #nodes = new Map<string, Map<string, string>>();
  readonly #services = new Map<string, Map<string, string>>();
  #built = false;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** A node with the address or else a service one of whose instances has it as its own. */
  find(address: Uint8Array): { node: string } | { service: string } | undefined {
    if (!this.#built) this.#build();
    const key = keyOf(address);
    const node = first(this.#nodes.get(key));
    if (node !== undefined) return { node };
    const service = first(this.#services.get(key));
    return service === undefined ? undefined : { service };
  }

  follow({ changes }: ChangeBatch): void {
    if (!this.#built) return;
    for (const { table, key, before, after } of changes) {
      if (table === 'nodes') {
        move(this.#nodes, key, before, after);
      } else if (table === 'services') {
        move(this.#services, key, before, after);
      }
    }
  }

  #build(): void {
    this.#built = true;
    for (const row of this.#catalog.all('nodes')) move(this.#nodes, nodeKey(row.name), undefined, row);
    for (const row of this.#catalog.all('services'))
      move(this.#services, serviceKey(row.node, row.id), undefined, row);
  }
}

type Row = Pick<Node | Service, 'name' | 'address'>;

function move(
  index: Map<string, Map<string, string>>,
  row: string,
  before: Row | undefined,
  after: Row | undefined,
): void {
  const old = before === undefined ? undefined : addressBytes(before.address);
  if (old !== undefined) {
    const names = index.get(keyOf(old));
    names?.delete(row);
    if (names?.size === 0) index.delete(keyOf(old));
  }
  const now = after === undefined ? undefined : addressBytes(after.address);
  if (after === undefined || now === undefined) return;
  const names = index.get(keyOf(now));
  if (names === undefined) index.set(keyOf(now), new Map([[row, after.name]]));
  else names.set(row, after.name);
}

const keyOf = (address: Uint8Array): string => Buffer.from(address).toString('latin1');

const first = (names: Map<string, string> | undefined): string | undefined => names?.values().next().value;
