/**
 * What the nodes of a cluster tell each other of a group that is spread over them: rows of the catalog that no API of
 * keys and values reaches, so that who may write keys cannot start programs.
 */

import { MACHINE_SETTINGS } from '../../catalog/machine-settings.ts';
import type { Setting } from '../../catalog/rows.ts';
import { nodeKey, type Reader } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import type { AutoscaleMode, Decision } from '../autoscale/autoscaler.ts';
import type { KeptGroup } from '../disk.ts';
import type { InstanceState } from '../instance.ts';
import type { ManagedSpec } from '../spec.ts';
import type { Traffic } from '../surroundings.ts';

/** Takes part in running groups; by the id of the node. */
export interface Host {
  readonly node: string;
  readonly zone: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Names of the groups that it runs instances of; "*": of any. */
  readonly groups: readonly string[];
}

/** What was decided last, for who looks after the group next, and to be looked at. */
export interface Plan {
  /** Name of the node that looks after the group. */
  readonly controller: string;
  readonly spec: ManagedSpec;
  readonly kept: KeptGroup;
  readonly decision: Decision | null;
  readonly decisions: readonly Decision[];
  readonly held: string;
  readonly autoscale: { readonly min: number; readonly max: number; readonly mode: AutoscaleMode } | null;
}

/** An instance that a node is to run. */
export interface Assignment {
  readonly number: number;
  readonly id: string;
  readonly edition: number;
  /** Id and name. */
  readonly node: string;
  readonly nodeName: string;
  readonly addedAt: number;
  readonly leaving: boolean;
}

/** What a node says of the instances that it runs, by their ids. */
export type Report = Readonly<
  Record<
    string,
    {
      readonly state: InstanceState;
      readonly ports: Readonly<Record<string, number>>;
      readonly port?: number | undefined;
      readonly restarts: number;
      readonly health?: string | undefined;
    }
  >
>;

/** What a node's balancer and its processors counted, by the ids of instances. */
export interface Counts {
  readonly traffic: Readonly<Record<string, Traffic>>;
  readonly cpu: Readonly<Record<string, number>>;
}

/** What somebody asks of the group, over any node. */
export interface Wish {
  readonly id: string;
  readonly what: 'scale' | 'roll' | 'pause' | 'resume' | 'rollBack';
  readonly size: number;
}

/** What became of it. */
export interface Answer {
  readonly id: string;
  readonly size: number;
  readonly done: boolean;
}

const { groupHosts: HOSTS, groups: GROUPS } = MACHINE_SETTINGS;

/** Names of rows. */
export const rowNames = {
  host: (node: string) => `${HOSTS}${node}`,
  plan: (group: string) => `${GROUPS}${group}/plan`,
  assignment: (group: string, number: number) => `${GROUPS}${group}/at/${number}`,
  report: (group: string, node: string) => `${GROUPS}${group}/report/${node}`,
  counts: (group: string, node: string) => `${GROUPS}${group}/counts/${node}`,
  wish: (group: string) => `${GROUPS}${group}/wish`,
  answer: (group: string) => `${GROUPS}${group}/answer`,
};

/** Whether a row of this name concerns the groups of a cluster. */
export function concernsGroups(name: string): boolean {
  return name.startsWith(GROUPS) || name.startsWith(HOSTS);
}

export function putRow(tx: Transaction, name: string, value: object): void {
  const json = JSON.stringify(value);
  if (tx.get('settings', name)?.value.json !== json) tx.put('settings', { name, value: { json } });
}

/** Takes a group off all nodes: each ends its instances. */
export function removeGroup(tx: Transaction, group: string): void {
  for (const { name } of tx.prefix('settings', `${GROUPS}${group}/`)) tx.delete('settings', name);
}

/** Reads them as they are at this moment. What another version of Muster wrote and cannot be read is passed over. */
export class Rows {
  readonly #catalog: Pick<Reader, 'get' | 'prefix'>;
  readonly #group: string;

  constructor(catalog: Pick<Reader, 'get' | 'prefix'>, group: string) {
    this.#catalog = catalog;
    this.#group = group;
  }

  /** What a node said of itself. */
  static host(reader: Pick<Reader, 'get'>, node: string): Host | undefined {
    return parsed<Host>(reader.get('settings', rowNames.host(node)));
  }

  /** Names of the groups that there are plans for. */
  static groupsIn(catalog: Pick<Reader, 'prefix'>): string[] {
    return catalog
      .prefix('settings', GROUPS)
      .flatMap(({ name }) => (name.endsWith('/plan') ? name.slice(GROUPS.length, -'/plan'.length) : []));
  }

  plan(): Plan | undefined {
    return this.#read<Plan>(rowNames.plan(this.#group));
  }

  assignments(): Assignment[] {
    return this.#all<Assignment>(`${GROUPS}${this.#group}/at/`).map(([, row]) => row);
  }

  /** Those that run instances of the group, by the ids of nodes. */
  hosts(): [node: string, Host][] {
    return this.#all<Host>(HOSTS).filter(
      ([, { groups }]) => groups.includes('*') || groups.includes(this.#group),
    );
  }

  /** Whether a node of the cluster has it in its configuration. */
  isDescribed(): boolean {
    return this.#all<Host>(HOSTS).some(
      ([, { node, groups }]) =>
        groups.includes(this.#group) && this.#catalog.get('nodes', nodeKey(node)) !== undefined,
    );
  }

  report(node: string): Report {
    return this.#read<Report>(rowNames.report(this.#group, node)) ?? {};
  }

  /** By nodes. */
  counts(): [node: string, Counts][] {
    return this.#all<Counts>(`${GROUPS}${this.#group}/counts/`);
  }

  wish(): Wish | undefined {
    return this.#read<Wish>(rowNames.wish(this.#group));
  }

  answer(): Answer | undefined {
    return this.#read<Answer>(rowNames.answer(this.#group));
  }

  #read<Row>(name: string): Row | undefined {
    return parsed<Row>(this.#catalog.get('settings', name));
  }

  #all<Row>(prefix: string): [rest: string, row: Row][] {
    return this.#catalog.prefix('settings', prefix).flatMap((setting) => {
      const row = parsed<Row>(setting);
      return row === undefined ? [] : [[setting.name.slice(prefix.length), row] as [string, Row]];
    });
  }
}

/** Rows never change, so each is read once. */
const read = new WeakMap<Setting, { readonly value: unknown }>();

function parsed<Row>(row: Setting | undefined): Row | undefined {
  if (row === undefined) return undefined;
  let known = read.get(row);
  if (known === undefined) {
    try {
      known = { value: JSON.parse(String(row.value.json)) };
    } catch {
      // Not by Muster of this version: as if it were not there.
      known = { value: undefined };
    }
    read.set(row, known);
  }
  return known.value as Row | undefined;
}
