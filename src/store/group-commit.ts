import type { Catalog } from '../catalog/catalog.ts';
import { Transaction, type Write } from '../catalog/transaction.ts';
import { MusterError, messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Environment, Put, Share, Waiting } from './environment.ts';
import type { Command, Committed } from './store.ts';

/** Where writes become durable. */
export interface Durable extends Pick<Environment, 'join'> {
  /** The rows to be kept for a commit. */
  puts(index: number, writes: readonly Write[]): Put[];
}

interface Pending {
  command: Command<unknown>;
  resolve(committed: Committed<unknown>): void;
  reject(error: unknown): void;
}

/** Commands in one record at most: bounds how long the first of them waits for the last. */
const MAX_GROUP = 1024;

/**
 * The single writer. Commands run one after another over an overlay of the catalog; while one group reaches the disk the next one
 * gathers, so that the number of syncs does not grow with the number of writers. A group becomes visible only when it is durable.
 */
export class GroupCommit implements Waiting {
  readonly #catalog: Catalog;
  readonly #durable: Durable | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  /** Without a disk: what subscribers write while they are being told waits until all of them were told. */
  readonly #waiting: Pending[] = [];
  #applying = false;
  #closed = false;

  /** Without `durable` nothing outlives the process, and a write is visible in the tick it is made. */
  constructor(catalog: Catalog, durable?: Durable, clock: Pick<Clock, 'now'> = systemClock) {
    this.#catalog = catalog;
    this.#durable = durable;
    this.#clock = clock;
  }

  write<Answer>(command: Command<Answer>): Promise<Committed<Answer>> {
    if (this.#closed) return Promise.reject(new MusterError('store.closed', 'the store is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve: resolve as Pending['resolve'], reject });
      if (this.#durable === undefined) this.#atOnce();
      else if (this.#waiting.length === 1) this.#durable.join(this);
    });
  }

  /** Takes no more; what was accepted is carried out. */
  close(): void {
    this.#closed = true;
  }

  #atOnce(): void {
    if (this.#applying) return;
    this.#applying = true;
    while (this.#waiting.length > 0) this.#run(this.#waiting.splice(0)).finish();
    this.#applying = false;
  }

  get size(): number {
    return this.#waiting.length;
  }

  take(): Share | undefined {
    const durable = this.#durable as Durable;
    const group = this.#waiting.splice(0, MAX_GROUP);
    if (this.#waiting.length > 0) durable.join(this);
    const refuse = (cause: unknown) => {
      const error = new MusterError('store.write_failed', `the write was not kept: ${messageOf(cause)}`, {
        cause,
      });
      for (const { reject } of group) reject(error);
    };
    const { index, writes, finish } = this.#run(group);
    if (writes.length === 0) {
      finish();
      return undefined;
    }
    try {
      return {
        puts: durable.puts(index, writes),
        settled: (error) => (error === undefined ? finish() : refuse(error)),
      };
    } catch (error) {
      refuse(error);
      return undefined;
    }
  }

  /** What the commands of a group write; `finish` makes it visible and tells those who sent them. */
  #run(group: readonly Pending[]): { index: number; writes: Write[]; finish: () => void } {
    const now = this.#clock.now();
    const overlay = new Transaction(this.#catalog, this.#catalog.index, now);
    let index = this.#catalog.index;
    const done: (() => void)[] = [];
    for (const { command, resolve, reject } of group) {
      const tx = new Transaction(overlay, index + 1, now);
      try {
        const answer = command(tx);
        if (!tx.isEmpty) {
          overlay.absorb(tx);
          index++;
        }
        const committed = { index, answer };
        done.push(() => resolve(committed));
      } catch (error) {
        reject(error);
      }
    }
    const writes = overlay.writes();
    const finish = () => {
      if (writes.length > 0) this.#catalog.apply(index, writes);
      for (const tell of done) tell();
    };
    return { index, writes, finish };
  }
}
