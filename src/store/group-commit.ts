import type { Catalog } from '../catalog/catalog.ts';
import { Transaction, type Write } from '../catalog/transaction.ts';
import { MusterError, messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Gather } from '../lib/gather.ts';
import type { Command, Committed } from './store.ts';

/** Makes writes durable. Resolves when they would survive a crash of the process and of the machine. */
export type Persist = (index: number, writes: readonly Write[]) => Promise<void>;

interface Pending {
  command: Command<unknown>;
  resolve(committed: Committed<unknown>): void;
  reject(error: unknown): void;
}

/** Commands in one flush at most: bounds how long the first of them waits for the last. */
const MAX_GROUP = 1024;

/**
 * The single writer. Commands run one after another over an overlay of the catalog; while one group is being
 * flushed the next one gathers, so that the number of flushes does not grow with the number of writers. A
 * group becomes visible only when it is durable.
 */
export class GroupCommit {
  readonly #catalog: Catalog;
  readonly #persist: Persist | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #queue = new Gather<Pending>((group) => this.#commit(group), MAX_GROUP);
  /** Without a disk: what subscribers write while they are being told waits until all of them were told. */
  readonly #inMemory: Pending[] = [];
  #applying = false;
  #closed = false;

  /** Without `persist` nothing outlives the process, and a write is visible in the tick it is made. */
  constructor(catalog: Catalog, persist?: Persist, clock: Pick<Clock, 'now'> = systemClock) {
    this.#catalog = catalog;
    this.#persist = persist;
    this.#clock = clock;
  }

  write<Answer>(command: Command<Answer>): Promise<Committed<Answer>> {
    if (this.#closed) return Promise.reject(new MusterError('store.closed', 'the store is closed'));
    return new Promise((resolve, reject) => {
      const pending = { command, resolve: resolve as Pending['resolve'], reject };
      if (this.#persist === undefined) this.#atOnce(pending);
      else this.#queue.add(pending);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.idle();
  }

  #atOnce(pending: Pending): void {
    this.#inMemory.push(pending);
    if (this.#applying) return;
    this.#applying = true;
    while (this.#inMemory.length > 0) this.#run(this.#inMemory.splice(0)).finish();
    this.#applying = false;
  }

  async #commit(group: Pending[]): Promise<void> {
    const { index, writes, finish } = this.#run(group);
    try {
      if (writes.length > 0) await this.#persist?.(index, writes);
    } catch (cause) {
      const error = new MusterError('store.write_failed', `the write was not kept: ${messageOf(cause)}`, {
        cause,
      });
      for (const { reject } of group) reject(error);
      return;
    }
    finish();
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
