import type { Database, RootDatabase } from 'lmdb';
import type { CheckStatus } from '../catalog/rows.ts';
import { MusterError } from '../errors.ts';
import { Gather } from '../lib/gather.ts';
import { diskKey, lacksFormat, openLmdb } from '../store/lmdb.ts';
import { fromDisk, toDisk } from '../store/row-on-disk.ts';
import type { LocalCheck, LocalService } from './local.ts';

/** What a TTL check was last told, so that a restart of the agent does not make it critical. */
export interface TtlState {
  readonly id: string;
  readonly status: CheckStatus;
  readonly output: string;
  /** When it expires, ms since the epoch. */
  readonly expires: number;
}

interface Kept {
  services: LocalService;
  checks: LocalCheck;
  ttls: TtlState;
}

/** One row to keep or, without `row`, to forget. */
export type Keep = { [T in keyof Kept]: { table: T; id: string; row: Kept[T] | undefined } }[keyof Kept];

/** Where this node's own registrations outlive the process. */
export interface LocalDisk {
  load(): { services: LocalService[]; checks: LocalCheck[]; ttls: TtlState[] };
  /** Resolves when the rows would survive a crash of the machine. All or nothing. */
  write(rows: readonly Keep[]): Promise<void>;
  close(): Promise<void>;
}

/** Layout of what is on disk. */
const FORMAT = 1;

interface Waiting {
  readonly rows: readonly Keep[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Keeps the registrations in an environment that is there already: that of the store, whose commits then reach the disk in
 * the same transaction. Who opened it closes it. Throws `store.unusable` when it has what a newer program wrote.
 */
export function localDiskIn(root: RootDatabase): LocalDisk {
  const table = <T extends keyof Kept>(name: T) =>
    root.openDB<Kept[T] | Uint8Array, Buffer>(`local-${name}`, { keyEncoding: 'binary' });
  const { meta, ...tables } = root.transactionSync(() => ({
    services: table('services'),
    checks: table('checks'),
    ttls: table('ttls'),
    meta: root.openDB<number, string>('local-meta', {}),
  }));
  const isNew = lacksFormat(meta.get('format'), FORMAT, 'the data directory');
  const load = <T extends keyof Kept>(name: T): Kept[T][] =>
    [...(tables[name] as Database<Kept[T] | Uint8Array, Buffer>).getRange()].map(({ value }) =>
      fromDisk<Kept[T]>(value),
    );

  // As the store's commits, and in step with them: both begin in the turn of the event loop in which they are asked for,
  // and both end when the disk has what they wrote.
  const writes = new Gather<Waiting>(async (group) => {
    try {
      await root.batch(() => {
        for (const { rows } of group) for (const row of rows) put(row);
        if (isNew) meta.put('format', FORMAT);
      });
      await root.flushed;
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  });

  function put({ table: name, id, row }: Keep): void {
    const database = tables[name] as Database<Kept[keyof Kept] | Uint8Array, Buffer>;
    if (row === undefined) database.remove(diskKey(id));
    else database.put(diskKey(id), toDisk<Kept[keyof Kept]>(row));
  }

  let closed = false;
  return {
    load: () => ({ services: load('services'), checks: load('checks'), ttls: load('ttls') }),
    write(rows) {
      if (closed) return Promise.reject(new MusterError('store.closed', 'the registry is closed'));
      return new Promise((resolve, reject) => writes.add({ rows, resolve, reject }));
    },
    close() {
      closed = true;
      return writes.idle();
    },
  };
}

export interface OpenedDisk extends LocalDisk {
  /** Where others may keep what is this node's own, until it is closed. */
  readonly database: RootDatabase;
}

/** Keeps the registrations in an LMDB directory of their own. Throws `store.unusable` when it cannot be written. */
export function openLocalDisk(path: string): OpenedDisk {
  const root = openLmdb(path);
  const disk = localDiskIn(root);
  let closing: Promise<void> | undefined;
  return {
    ...disk,
    database: root,
    close() {
      closing ??= disk.close().then(() => root.close());
      return closing;
    },
  };
}

/** Keeps nothing over a restart (`-dev`). */
export const noDisk: LocalDisk = {
  load: () => ({ services: [], checks: [], ttls: [] }),
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
