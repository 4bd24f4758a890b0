import { Pool } from '../lib/pool.ts';
import type {
  Check,
  CheckDefinition,
  CheckStatus,
  Node,
  Rows,
  Service,
  StringMap,
  TableName,
  Weights,
} from './rows.ts';

/** Texts and small objects in a generation of the pools: as many as there are nodes and services in a large catalog. */
const POOLED = 16_384;
/** Longer texts hardly come twice. */
const MAX_POOLED = 64;
/** Shorter parts of a text are copies of their own in V8; longer ones keep the whole text alive. */
const SHORTEST_SLICE = 13;
/** Of texts up to this length V8's `JSON.parse` has one copy for all. */
const LONGEST_SHARED = 10;

const NO_TAGS: readonly string[] = [];
const NO_DEFINITION: CheckDefinition = {};

/**
 * Rows as the tables keep them: with all fields in the object itself, one copy of what many rows have in common, and texts that
 * do not keep the body of the request alive from which they were cut. It halves what 172,000 instances take.
 */
export class Compactor {
  readonly #texts = new Pool<string>(POOLED);
  readonly #lists = new Pool<readonly string[]>(POOLED);
  readonly #maps = new Pool<object>(POOLED);
  #isParsed = false;

  /** `isParsed`: just made by `JSON.parse`, so that every text has memory of its own. */
  row<T extends TableName>(table: T, row: Rows[T], isParsed?: boolean): Rows[T];
  row(table: TableName, row: Rows[TableName], isParsed = false): Rows[TableName] {
    this.#isParsed = isParsed;
    switch (table) {
      case 'nodes':
        return this.#node(row as Node);
      case 'services':
        return this.#service(row as Service);
      case 'checks':
        return this.#check(row as Check);
      default:
        return row;
    }
  }

  #node(row: Node): Node {
    return {
      id: this.#own(row.id),
      name: this.#text(row.name),
      address: this.#text(row.address),
      datacenter: this.#text(row.datacenter),
      taggedAddresses: this.#map(row.taggedAddresses),
      meta: this.#map(row.meta),
      createIndex: row.createIndex,
      modifyIndex: row.modifyIndex,
    };
  }

  #service(row: Service): Service {
    const service: Service = {
      node: this.#text(row.node),
      id: this.#own(row.id),
      name: this.#text(row.name),
      kind: this.#text(row.kind),
      tags: this.#list(row.tags),
      address: this.#text(row.address),
      taggedAddresses: this.#map(row.taggedAddresses),
      meta: this.#map(row.meta),
      port: row.port,
      socketPath: this.#text(row.socketPath),
      weights: this.#weights(row.weights),
      enableTagOverride: row.enableTagOverride,
      createIndex: row.createIndex,
      modifyIndex: row.modifyIndex,
    };
    return row.mesh === undefined ? service : { ...service, mesh: row.mesh };
  }

  #check(row: Check): Check {
    return {
      node: this.#text(row.node),
      id: this.#own(row.id),
      name: this.#text(row.name),
      status: this.#text(row.status) as CheckStatus,
      notes: this.#text(row.notes),
      output: this.#text(row.output),
      serviceId: this.#own(row.serviceId),
      serviceName: this.#text(row.serviceName),
      serviceTags: this.#list(row.serviceTags),
      type: this.#text(row.type),
      interval: this.#text(row.interval),
      timeout: this.#text(row.timeout),
      definition: isEmpty(row.definition) ? NO_DEFINITION : row.definition,
      createIndex: row.createIndex,
      modifyIndex: row.modifyIndex,
    };
  }

  /** The same text, in memory of its own. */
  #own(text: string): string {
    return this.#isParsed ? text : flat(text);
  }

  #text(text: string): string {
    if (text.length > MAX_POOLED || text === '') return this.#own(text);
    if (this.#isParsed && text.length <= LONGEST_SHARED) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = this.#own(text);
    this.#texts.set(own, own);
    return own;
  }

  #list(list: readonly string[]): readonly string[] {
    if (list.length === 0) return NO_TAGS;
    const text = JSON.stringify(list);
    let known = this.#lists.get(text);
    if (known === undefined) {
      known = list.map((one) => this.#text(one));
      this.#lists.set(text, known);
    }
    return known;
  }

  #map<Map extends StringMap | Service['taggedAddresses']>(map: Map): Map {
    if (map === null) return map;
    const text = JSON.stringify(map);
    let known = this.#maps.get(text);
    if (known === undefined) {
      // Read again: texts of its own, and an object of the quick kind.
      known = JSON.parse(text) as object;
      this.#maps.set(text, known);
    }
    return known as unknown as Map;
  }

  #weights({ passing, warning }: Weights): Weights {
    const text = `${passing} ${warning}`;
    let known = this.#maps.get(text) as Weights | undefined;
    if (known === undefined) {
      known = { passing, warning };
      this.#maps.set(text, known);
    }
    return known;
  }
}

function flat(text: string): string {
  return text.length < SHORTEST_SLICE ? text : (JSON.parse(JSON.stringify(text)) as string);
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
