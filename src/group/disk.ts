/** What of groups outlives Muster: their sizes and rollouts, and the instances that run on. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Environment } from '../store/environment.ts';
import { fromText, toText } from '../store/row-text.ts';
import type { Handle } from './drivers.ts';
import type { KeptRollout } from './rollout.ts';
import type { Template } from './spec.ts';

export interface KeptGroup {
  readonly kind: 'group';
  readonly name: string;
  readonly size: number;
  /** What the configuration said: another number there counts, the same one leaves the size as it is. */
  readonly replicas: number;
  /** What it described as an instance, likewise: what was taken back is not rolled out again. Undefined: an earlier version wrote this. */
  readonly shape?: Partial<Template> | undefined;
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
  /** Numbers of the sockets that are held for it, by their names. */
  readonly sockets?: Readonly<Record<string, number>> | undefined;
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

const TABLE = 'groups';

/** In an environment that is there already; who opened it closes it. */
export function groupDiskIn(environment: Environment, logger: Logger): GroupDisk {
  const write = async (key: string, row: KeptRow | undefined): Promise<void> => {
    try {
      await environment.write([{ table: TABLE, key, text: row && toText(row) }]);
    } catch (error) {
      logger.error(`what is known of groups could not be kept for the next start: ${messageOf(error)}`);
    }
  };
  return {
    load() {
      const groups: KeptGroup[] = [];
      const instances: KeptInstance[] = [];
      for (const text of environment.rows(TABLE)) {
        const row = fromText<KeptRow>(text);
        if (row.kind === 'group') groups.push(row);
        else instances.push(row);
      }
      return { groups, instances };
    },
    put: (row) => write(keyOf(row), row),
    remove: (row) => write(keyOf(row), undefined),
  };
}

function keyOf(
  row: Pick<KeptGroup, 'kind' | 'name'> | Pick<KeptInstance, 'kind' | 'group' | 'number'>,
): string {
  return row.kind === 'group' ? row.name : `${row.group}/${row.number}`;
}
