import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { MusterError } from '../errors.ts';
import { lockFile } from '../lib/file-lock.ts';
import { nextTurn } from '../lib/in-turns.ts';
import { type Logger, silentLogger } from '../lib/log.ts';
import { bytesValue, diskKey, diskRange, openLmdb, unusable } from './lmdb.ts';
import { payloadSize, readPayload, rowBytes, writePayload } from './log-payload.ts';
import { WriteAheadLog } from './wal.ts';
import { WriteTrouble } from './write-trouble.ts';

/** One row of a table as text or, without `text`, its removal. */
export interface Put {
  readonly table: string;
  readonly key: string;
  readonly text: string | undefined;
}

/** A part of the next record of the log. */
export interface Share {
  readonly puts: readonly Put[];
  /** Called once: the rows would survive a crash of the machine; with an error: they are not kept. */
  settled(error?: unknown): void;
}

/** Writes that wait for a record of the log. */
export interface Waiting {
  /** How many they are at present. */
  readonly size: number;
  /** Called once, when the record is put together. It may have nothing to say then. */
  take(): Share | undefined;
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
  /** Takes part in the next record, which is put together when the one before has reached the disk, and not before: what comes meanwhile goes together. */
  join(waiting: Waiting): void;
  /** Why nothing can be kept at present; undefined: the last write was kept. */
  readonly trouble: string | undefined;
  /** Ends after the writes that were accepted. Idempotent. */
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly log?: Logger;
  /** Of each of the two files of the log, for tests. */
  readonly logBytes?: number;
}

/** Layout of what is on disk; 1 had no log, and a database for each table. */
const FORMAT = '2';
/** The environment's own table. */
const OWN = 'environment';
/** Rows that go to the data file in one turn of the event loop: some 1 ms of the main thread. */
const AT_ONCE = 500;
/** After this many ms the data file takes over what is in the log, however little that is. */
const TAKE_OVER_AFTER = 60_000;
/** After a write that was refused it is tried so often (ms) whether there is room again, as nobody may write for long. */
const TRY_AGAIN = 5_000;

/** Throws `store.unusable` when it cannot be written, is in use, or has what another program wrote. */
export function openEnvironment(path: string, options: EnvironmentOptions = {}): Environment {
  return new LoggedEnvironment(path, options);
}

class LoggedEnvironment implements Environment {
  readonly #unlock: () => void;
  readonly #path: string;
  #root: RootDatabase<string, Buffer>;
  readonly #log: WriteAheadLog;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** How many writes went together last. */
  #last = 0;
  /** How many are to go together next: half of those who were at it when the last record was done. */
  #enough = 0;
  #move: Promise<void> | undefined;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  readonly #trouble: WriteTrouble;
  #trial: NodeJS.Timeout | undefined;

  constructor(path: string, { log: logger = silentLogger, logBytes }: EnvironmentOptions) {
    this.#path = path;
    this.#trouble = new WriteTrouble(path, logger);
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
      const applied = Number(this.#stored(OWN, 'applied') ?? 0);
      const { log, records } = WriteAheadLog.open(path, applied, logBytes);
      this.#log = log;
      const rows = new Map<string, string | undefined>([[placeOf(OWN, 'format'), FORMAT]]);
      for (const { payload } of records)
        for (const [place, text] of readPayload(payload)) rows.set(place, text);
      // From here on its files are written from their beginning.
      if (log.sequence > applied || applied === 0)
        this.#root.transactionSync(() => {
          for (const [place, text] of rows)
            if (text === undefined) this.#root.remove(diskKey(place));
            else this.#root.put(diskKey(place), text);
          this.#setApplied(log.sequence);
        });
    } catch (error) {
      void this.#root.close();
      unlock?.();
      throw unusable(path, error);
    }
  }

  *rows(table: string): Generator<string> {
    const ahead = new Map<string, string | undefined>();
    const prefix = placeOf(table, '');
    for (const [place, text] of this.#ahead())
      if (place.startsWith(prefix)) ahead.set(diskKey(place).toString('latin1'), text);
    for (const { key, value } of this.#root.getRange(diskRange(table)))
      if (ahead.size === 0 || !ahead.has(key.toString('latin1'))) yield value;
    for (const text of ahead.values()) if (text !== undefined) yield text;
  }

  row(table: string, key: string): string | undefined {
    const place = placeOf(table, key);
    const ahead = new Map(this.#ahead());
    return ahead.has(place) ? ahead.get(place) : this.#stored(table, key);
  }

  #stored(table: string, key: string): string | undefined {
    return this.#root.get(diskKey(placeOf(table, key)));
  }

  /** What the log has and the data file may not have yet, the last one of a row last. */
  *#ahead(): Generator<readonly [place: string, text: string | undefined]> {
    for (const payload of this.#log.payloads()) yield* readPayload(payload);
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
      const settled = (error?: unknown) => (error === undefined ? resolve() : reject(error));
      this.join({ size: 1, take: () => ({ puts, settled }) });
    });
  }

  get trouble(): string | undefined {
    return this.#trouble.why;
  }

  join(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#start();
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      while (this.#isWriting) await new Promise(setImmediate);
      clearTimeout(this.#timer);
      clearTimeout(this.#trial);
      // What the data file cannot take over now it takes over at the next start.
      await this.#takeOver().catch(() => {});
      if (!this.#log.isEmpty) await this.#takeOver().catch(() => {});
      this.#log.close();
      await this.#root.close();
      this.#unlock();
    })();
    return this.#closing;
  }

  #start(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // Where several came together last, all of a turn of the event loop go together; one that comes alone is begun at once, with what
    // the same registration writes to other tables in the same breath.
    if (this.#last > 1) setImmediate(this.#gather, 0);
    else queueMicrotask(this.#run);
  }

  /**
   * Begins a record when enough have come, or a turn of the event loop brings nobody. Halves, so that one is on its way to the disk while the
   * writers of the other are told and ask for more; without, all of them come to wait for one record, and the processor for the disk.
   */
  readonly #gather = (before: number): void => {
    const size = sizeOf(this.#waiting);
    if (size > before && size < this.#enough) setImmediate(this.#gather, size);
    else void this.#run();
  };

  readonly #run = async (): Promise<void> => {
    const waiting = this.#waiting.splice(0);
    this.#last = sizeOf(waiting);
    const shares = waiting.flatMap((one) => one.take() ?? []);
    let failure: unknown;
    try {
      // Between two records: neither file of the log may be left in the middle of one.
      if (this.#isDue || this.#log.isFull) await this.#makeRoom();
      if (shares.length > 0) {
        await this.#append(shares);
        this.#trouble.kept();
      }
    } catch (error) {
      failure = error;
      this.#trouble.refused(error);
      this.#tryLater();
    }
    for (const { settled } of shares) settled(failure);
    const size = sizeOf(this.#waiting);
    this.#enough = (this.#last + size) / 2;
    if (this.#waiting.length === 0) this.#isWriting = false;
    // At once: those who were settled go on only behind it, while the disk works.
    else if (size >= this.#enough) void this.#run();
    else setImmediate(this.#gather, 0);
  };

  /** Whether there is room again: by a write of its own that says nothing. */
  #tryLater(): void {
    this.#trial ??= setTimeout(() => {
      this.#trial = undefined;
      if (this.#closing !== undefined || this.#trouble.why === undefined) return;
      const puts = [{ table: OWN, key: 'trial', text: '' }];
      this.join({ size: 1, take: () => ({ puts, settled() {} }) });
    }, TRY_AGAIN).unref();
  }

  async #append(shares: readonly Share[]): Promise<void> {
    const rows: (readonly [place: string, text: string | undefined])[] = [];
    for (const { puts } of shares)
      for (const { table, key, text } of puts) rows.push([placeOf(table, key), text]);
    await this.#log.append(payloadSize(rows), (payload) => writePayload(rows, payload));
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
    if (this.#log.turnedAt !== undefined) await this.#takeOver();
    // A failure is met again when the file that is used now is full.
    void this.#takeOver().catch((error: unknown) => this.#trouble.fellBehind(error));
  }

  #takeOver(): Promise<void> {
    this.#move ??= this.#moveRows().finally(() => {
      this.#move = undefined;
    });
    return this.#move;
  }

  async #moveRows(): Promise<void> {
    const log = this.#log;
    if (log.turnedAt === undefined && !log.isEmpty) log.turn();
    const sequence = log.turnedAt;
    if (sequence === undefined) return;
    const last = new Map<string, Buffer | undefined>();
    let count = 0;
    // In parts, so that others have their turns: until the number is there the log has them all.
    for (const payload of log.payloads({ turned: true }))
      for (const [place, text] of rowBytes(payload)) {
        last.set(place.toString('latin1'), text);
        if (++count % AT_ONCE === 0) await nextTurn();
      }
    const rows = [...last];
    const outcomes: Promise<unknown>[] = [];
    // One part does not wait for the one before: LMDB takes those that are there into one transaction, which writes and syncs less.
    for (; rows.length > AT_ONCE; await nextTurn())
      outcomes.push(this.#put(rows.splice(-AT_ONCE)).catch((error: unknown) => error));
    const failure = (await Promise.all(outcomes)).find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
    // Only behind all others: what is said to be there is not looked for in the log any more.
    await this.#put(rows, sequence);
    await this.#root.flushed;
    log.release();
    this.#trouble.caughtUp();
  }

  /** Resolves when the rows are in the data file, and that it has everything up to record `applied`. */
  async #put(rows: readonly (readonly [string, Buffer | undefined])[], applied?: number): Promise<void> {
    try {
      await this.#root.batch(() => {
        for (const [place, text] of rows) {
          const key = diskKey(Buffer.from(place, 'latin1'));
          if (text === undefined) this.#root.remove(key);
          else this.#root.put(key, bytesValue(text));
        }
        if (applied !== undefined) this.#setApplied(applied);
      });
    } catch (cause) {
      // LMDB tells why by a promise in its error: nobody else hears it, and the process would end of that.
      (cause as { commitError?: Promise<unknown> }).commitError?.catch(() => {});
      throw new Error('the data file cannot be written: is the disk full?', { cause });
    }
  }

  /** Up to which record of the log the data file has everything, once the transaction is through. */
  #setApplied(sequence: number): void {
    this.#root.put(diskKey(placeOf(OWN, 'applied')), String(sequence));
  }

  #checkFormat(path: string): void {
    const format = this.#stored(OWN, 'format');
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

/** How many write at once. A registration that comes alone is two: the catalog's part and this node's own. */
function sizeOf(waiting: readonly Waiting[]): number {
  return waiting.reduce((most, { size }) => Math.max(most, size), waiting.length - 1);
}
