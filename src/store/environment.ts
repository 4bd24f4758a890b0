import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { MusterError } from '../errors.ts';
import { lockFile } from '../lib/file-lock.ts';
import { diskKey, diskRange, openLmdb } from './lmdb.ts';
import { payloadSize, readPayload, writePayload } from './log-payload.ts';
import { WriteAheadLog } from './wal.ts';

/** One row of a table as text or, without `text`, its removal. */
export interface Put {
  readonly table: string;
  readonly key: string;
  readonly text: string | undefined;
}

/**
 * Where a node keeps its tables. A write is one record of a log, synced once; the data file (LMDB) takes the records over later,
 * many at a time, the last one for each row (docs/decisions/0004).
 */
export interface Environment {
  /** What was written to a table, in the order of the data file as far as that has it. To be read in one go. */
  rows(table: string): Generator<string>;
  row(table: string, key: string): string | undefined;
  /**
   * Gives back the memory of what was read: pages of the data file count as the process's own until it is closed. For after
   * the start, when everything was read.
   */
  letGo(): void;
  /**
   * Resolves when the rows would survive a crash of the machine: all of them, after a crash before that all or none. What is
   * written in one breath goes together. Rejects with what the system says.
   */
  write(puts: readonly Put[]): Promise<void>;
  /** Ends after the writes that were accepted. Idempotent. */
  close(): Promise<void>;
}

/** Layout of what is on disk; 1 had no log, and a database for each table. */
const FORMAT = '2';
/** The environment's own table. */
const OWN = 'environment';
/** Rows that go to the data file with one transaction: some 2 ms of the main thread. */
const AT_ONCE = 1_000;
/** After this many ms the data file takes over what is in the log, however little that is. */
const TAKE_OVER_AFTER = 60_000;

interface Waiting {
  readonly puts: readonly Put[];
  resolve(): void;
  reject(error: unknown): void;
}

type Rows = Map<string, string | undefined>;

/**
 * Throws `store.unusable` when it cannot be written, is in use, or has what another program wrote. `logBytes`: of each of the two
 * files of the log, for tests.
 */
export function openEnvironment(path: string, { logBytes }: { logBytes?: number } = {}): Environment {
  return new LoggedEnvironment(path, logBytes);
}

class LoggedEnvironment implements Environment {
  readonly #unlock: () => void;
  readonly #path: string;
  #root: RootDatabase<string, Buffer>;
  readonly #log: WriteAheadLog;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** How many went together last. */
  #last = 0;
  /** What the log has and the data file has not; `#moving` is on its way there, or did not get there yet. */
  #fresh: Rows = new Map();
  #moving: Rows = new Map();
  /** Nobody needs what the log's other file holds. */
  #isOtherFree = true;
  #move: Promise<void> | undefined;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, logBytes: number | undefined) {
    this.#path = path;
    this.#root = openLmdb(path);
    let unlock: (() => void) | undefined;
    try {
      unlock = lockFile(join(path, 'lock'));
      if (unlock === undefined)
        throw new MusterError(
          'store.unusable',
          `${path} is in use by another muster. Stop that one, or give this one a directory of its own with -data-dir`,
        );
      this.#unlock = unlock;
      this.#checkFormat(path);
      const applied = Number(this.row(OWN, 'applied') ?? 0);
      const { log, records } = WriteAheadLog.open(path, applied, logBytes);
      this.#log = log;
      const rows: Rows = new Map([[placeOf(OWN, 'format'), FORMAT]]);
      for (const { payload } of records)
        for (const [place, text] of readPayload(payload)) rows.set(place, text);
      // From here on its files are written from their beginning.
      if (log.sequence > applied || applied === 0)
        this.#root.transactionSync(() => this.#put([...rows], log.sequence));
    } catch (error) {
      void this.#root.close();
      unlock?.();
      throw error;
    }
  }

  *rows(table: string): Generator<string> {
    const ahead = new Map<string, string | undefined>();
    const prefix = placeOf(table, '');
    for (const rows of [this.#moving, this.#fresh])
      for (const [place, text] of rows)
        if (place.startsWith(prefix)) ahead.set(diskKey(place).toString('latin1'), text);
    for (const { key, value } of this.#root.getRange(diskRange(table)))
      if (ahead.size === 0 || !ahead.has(key.toString('latin1'))) yield value;
    for (const text of ahead.values()) if (text !== undefined) yield text;
  }

  row(table: string, key: string): string | undefined {
    const place = placeOf(table, key);
    for (const rows of [this.#fresh, this.#moving]) if (rows.has(place)) return rows.get(place);
    return this.#root.get(diskKey(place));
  }

  letGo(): void {
    if (this.#isWriting || this.#move !== undefined || this.#closing !== undefined) return;
    // Done when it answers, as nothing is being written.
    void this.#root.close();
    this.#root = openLmdb(this.#path);
  }

  write(puts: readonly Put[]): Promise<void> {
    if (this.#closing !== undefined)
      return Promise.reject(new MusterError('store.closed', 'the store is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ puts, resolve, reject });
      this.#start();
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      while (this.#isWriting) await new Promise(setImmediate);
      clearTimeout(this.#timer);
      // What the data file cannot take over now it takes over at the next start.
      await this.#takeOver().catch(() => {});
      if (this.#fresh.size > 0) await this.#takeOver().catch(() => {});
      this.#log.close();
      await this.#root.close();
      this.#unlock();
    })();
    return this.#closing;
  }

  #start(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // What the same registration writes to other tables is asked for in the same breath.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    // Where several came together, the next ones wait for the end of their turn of the event loop.
    if (this.#last > 2) await new Promise(setImmediate);
    do {
      const group = this.#waiting;
      this.#waiting = [];
      this.#last = group.length;
      try {
        // Between two records: neither file of the log may be left in the middle of one.
        if (this.#isDue || this.#log.isFull) await this.#makeRoom();
        if (group.length > 0) await this.#append(group);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    } while (this.#waiting.length > 0);
    this.#isWriting = false;
  }

  async #append(group: readonly Waiting[]): Promise<void> {
    const rows = group.flatMap(({ puts }) =>
      puts.map(({ table, key, text }) => [placeOf(table, key), text] as const),
    );
    await this.#log.append(payloadSize(rows), (payload) => writePayload(rows, payload));
    for (const [place, text] of rows) this.#fresh.set(place, text);
    for (const { resolve } of group) resolve();
    this.#timer ??= setTimeout(() => {
      this.#isDue = true;
      this.#start();
    }, TAKE_OVER_AFTER).unref();
  }

  /** Has the log go on in its other file, which is free once the data file has what it held. */
  async #makeRoom(): Promise<void> {
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isOtherFree) await this.#takeOver();
    // A failure is met again when the file that is used now is full.
    void this.#takeOver().catch(() => {});
  }

  #takeOver(): Promise<void> {
    this.#move ??= this.#moveRows().finally(() => {
      this.#move = undefined;
    });
    return this.#move;
  }

  async #moveRows(): Promise<void> {
    for (const [place, text] of this.#fresh) this.#moving.set(place, text);
    this.#fresh = new Map();
    if (this.#moving.size === 0) return;
    const { sequence } = this.#log;
    if (this.#isOtherFree) {
      this.#isOtherFree = false;
      this.#log.turn();
    }
    const rows = [...this.#moving];
    // In parts, so that others have their turns: until the number is there the log has them all.
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      const isLast = at + AT_ONCE >= rows.length;
      await this.#root.batch(() => this.#put(rows.slice(at, at + AT_ONCE), isLast ? sequence : undefined));
    }
    await this.#root.flushed;
    this.#moving = new Map();
    this.#isOtherFree = true;
  }

  /** `sequence`: up to which record of the log the data file has everything then. */
  #put(rows: readonly (readonly [string, string | undefined])[], sequence: number | undefined): void {
    for (const [place, text] of rows) {
      if (text === undefined) this.#root.remove(diskKey(place));
      else this.#root.put(diskKey(place), text);
    }
    if (sequence !== undefined) this.#root.put(diskKey(placeOf(OWN, 'applied')), String(sequence));
  }

  #checkFormat(path: string): void {
    const format = this.row(OWN, 'format');
    if (format === FORMAT) return;
    const isEmpty = this.#root.getKeysCount({ limit: 1 }) === 0;
    if (format === undefined && isEmpty) return;
    throw new MusterError(
      'store.unusable',
      `the data in ${path} has format ${format ?? '1'}, this program knows ${FORMAT}: use the program that wrote it, or another -data-dir`,
    );
  }
}

/** The byte cannot stand in the name of a table. */
function placeOf(table: string, key: string): string {
  return `${table}\u0000${key}`;
}
