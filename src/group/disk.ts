/** What of groups outlives Muster: their sizes and rollouts, and the instances that run on. */
import type { RootDatabase } from 'lmdb';
import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';
import { fromDisk, toDisk } from '../store/row-on-disk.ts';
import type { Handle } from './drivers.ts';
import type { KeptRollout } from './rollout.ts';
import type { Template } from './spec.ts';

export interface KeptGroup {
  readonly kind: 'group';
  readonly name: string;
  readonly size: number;
  /** What the configuration said: another number there counts, the same one leaves the size as it is. */
  readonly replicas: number;
  readonly rollout: KeptRollout;
}

export interface KeptInstance {
  readonly kind: 'instance';
  readonly group: string;
  /** `web-3` has 3. */
  readonly number: number;
  readonly id: string;
  /** Which edition of the group's template it was started from. */
  readonly edition: number;
  readonly template: Template;
  readonly ports: Readonly<Record<string, number>>;
  /** When it came into the group, and when it was last started; ms since the epoch. */
  readonly addedAt: number;
  readonly since: number;
  readonly restarts: number;
  /** It gets no new requests and was about to end. */
  readonly leaving: boolean;
  /** Undefined: it was about to be started. */
  readonly handle?: Handle | undefined;
}

export type KeptRow = KeptGroup | KeptInstance;

/**
 * Written so that it survives any end of this program. It need not survive one of the machine, with which the instances
 * end too, so nobody waits for the disk.
 */
export interface GroupDisk {
  load(): { groups: KeptGroup[]; instances: KeptInstance[] };
  /** Resolves when it would survive the end of this program; what goes wrong is logged. */
  put(row: KeptRow): Promise<void>;
  remove(
    row: Pick<KeptGroup, 'kind' | 'name'> | Pick<KeptInstance, 'kind' | 'group' | 'number'>,
  ): Promise<void>;
}

/** In an environment that is there already; who opened it closes it. */
export function groupDiskIn(root: RootDatabase, logger: Logger): GroupDisk {
  const rows = root.openDB<KeptRow | Uint8Array, string>('groups', {});
  const done = async (write: Promise<boolean>): Promise<void> => {
    await write.catch((error: unknown) => {
      logger.error(`what is known of groups could not be kept for the next start: ${messageOf(error)}`);
    });
  };
  return {
    load() {
      // What was acknowledged a moment ago is to be there, too.
      root.resetReadTxn();
      const groups: KeptGroup[] = [];
      const instances: KeptInstance[] = [];
      for (const { value } of rows.getRange()) {
        const row = fromDisk<KeptRow>(value);
        if (row.kind === 'group') groups.push(row);
        else instances.push(row);
      }
      return { groups, instances };
    },
    put: (row) => done(rows.put(keyOf(row), toDisk<KeptRow>(row))),
    remove: (row) => done(rows.remove(keyOf(row))),
  };
}

function keyOf(
  row: Pick<KeptGroup, 'kind' | 'name'> | Pick<KeptInstance, 'kind' | 'group' | 'number'>,
): string {
  return row.kind === 'group' ? row.name : `${row.group}/${row.number}`;
}
