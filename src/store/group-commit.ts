import type { Catalog } from '../catalog/catalog.ts';
import { Transaction, type Write } from '../catalog/transaction.ts';
import { MusterError, messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
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
  #queue: Pending[] = [];
  #busy = false;
  /** Resolves when the queue is empty. */
  #idle: Promise<void> = Promise.resolve();
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
      this.#queue.push({ command, resolve: resolve as Pending['resolve'], reject });
      if (!this.#busy) this.#idle = this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#idle;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue.length > 0) {
        const group = this.#queue.splice(0, MAX_GROUP);
        const flushed = this.#commit(group);
        if (flushed !== undefined) await flushed;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Answers a promise only when there is a disk to wait for. */
  #commit(group: Pending[]): Promise<void> | undefined {
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
    const finish = () => {
      if (!overlay.isEmpty) this.#catalog.apply(index, overlay.writes());
      for (const tell of done) tell();
    };
    if (overlay.isEmpty || this.#persist === undefined) {
      finish();
      return undefined;
    }
    return this.#persist(index, overlay.writes()).then(finish, (cause: unknown) => {
      const error = new MusterError('store.write_failed', `the write was not kept: ${messageOf(cause)}`, {
        cause,
      });
      for (const { reject } of group) reject(error);
    });
  }
}
