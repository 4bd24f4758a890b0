import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Database, open } from 'lmdb';
import type { CheckStatus } from '../catalog/rows.ts';
import { MusterError, messageOf } from '../errors.ts';
import { diskKey } from '../store/embedded.ts';
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

/** Layout of what is on disk; a newer one is refused rather than guessed at. */
const FORMAT = 1;

/** Keeps the registrations in an LMDB directory. Throws `store.unusable` when it cannot be written. */
export function openLocalDisk(path: string): LocalDisk {
  const root = (() => {
    try {
      mkdirSync(path, { recursive: true });
      accessSync(path, constants.W_OK);
      return open({ path, maxDbs: 4 });
    } catch (cause) {
      throw new MusterError(
        'store.unusable',
        `cannot keep registrations in ${path}: ${messageOf(cause)}. Give a directory that can be written with -data-dir, or use -dev to keep everything in memory.`,
        { cause },
      );
    }
  })();
  const table = <T extends keyof Kept>(name: T): Database<Kept[T], Buffer> =>
    root.openDB<Kept[T], Buffer>(name, { keyEncoding: 'binary' });
  const tables = { services: table('services'), checks: table('checks'), ttls: table('ttls') };
  const meta = root.openDB<number, string>('meta', {});
  const format = meta.get('format');
  if (format !== undefined && format !== FORMAT)
    throw new MusterError(
      'store.unusable',
      `the registrations in ${path} have format ${format}, this program knows ${FORMAT}: use the program that wrote them, or another -data-dir`,
    );
  const rows = <T extends keyof Kept>(name: T): Kept[T][] =>
    [...(tables[name] as Database<Kept[T], Buffer>).getRange()].map(({ value }) => value);

  let closing: Promise<void> | undefined;
  return {
    load: () => ({ services: rows('services'), checks: rows('checks'), ttls: rows('ttls') }),
    async write(changes) {
      if (closing !== undefined) throw new MusterError('store.closed', 'the registry is closed');
      await root.batch(() => {
        for (const { table: name, id, row } of changes) {
          const database = tables[name] as Database<Kept[keyof Kept], Buffer>;
          if (row === undefined) database.remove(diskKey(id));
          else database.put(diskKey(id), row);
        }
        if (format === undefined) meta.put('format', FORMAT);
      });
      await root.flushed;
    },
    close() {
      closing ??= Promise.resolve(root.flushed).then(() => root.close());
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
