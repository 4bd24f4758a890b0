import type { Rows, TableName } from './rows.ts';

/** One row that a commit changed. Without `before` it is new, without `after` it is gone. */
export type Change = {
  [T in TableName]: {
    table: T;
    key: string;
    before: Rows[T] | undefined;
    after: Rows[T] | undefined;
  };
}[TableName];

/** What one commit (or a group of them that reached the disk together) changed. */
export interface ChangeBatch {
  /** Index after the batch. */
  index: number;
  changes: readonly Change[];
  /** Topics concerned, see `topics.ts`. */
  topics: ReadonlySet<string>;
  /** Folded names of services whose instances, nodes or checks changed. */
  services: ReadonlySet<string>;
}

export type Subscriber = (batch: ChangeBatch) => void;

/**
 * The change feed. Subscribers are called in the tick of the commit, in the order in which they subscribed,
 * and must not block. One that throws is reported and keeps its place; the others are still told.
 */
export class Feed {
  readonly #subscribers = new Set<Subscriber>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** The answer ends the subscription. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  publish(batch: ChangeBatch): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(batch);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
