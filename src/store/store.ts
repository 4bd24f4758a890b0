import type { Catalog } from '../catalog/catalog.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { MusterError } from '../errors.ts';

/**
 * Index before the first commit: Consul's test tools take a server whose nodes have an index below 2 for one that has no
 * leader yet.
 */
export const FIRST_INDEX = 1;

/**
 * A command reads and writes a transaction and answers something. It must be a pure function of the
 * transaction: a store may run it more than once before it commits. To refuse, it throws
 * (`request.rejected`); then nothing of it is kept.
 */
export type Command<Answer> = (tx: Transaction) => Answer;

export interface Committed<Answer> {
  /** Index of the commit; that of the last commit when the command changed nothing. */
  index: number;
  answer: Answer;
}

export interface Remote {
  /** False until the catalog was there for the first time: what is in its tables before is worth nothing, and nobody may read it. */
  readonly isLoaded: boolean;
  /**
   * Whether writes can be made now, as far as is known, and for how many ms those who keep the truth have been silent
   * (Infinity: always).
   */
  contact(): { known: boolean; silence: number };
  /**
   * Resolves once the catalog shows all that was acknowledged anywhere before the call. Rejects with `store.no_leader` when
   * nobody can say.
   */
  refresh(): Promise<void>;
}

/** Keeps the catalog. There is one per process; it is the only one that changes the catalog's tables. */
export interface Store {
  readonly kind: string;
  readonly catalog: Catalog;
  /**
   * Carries out a command. Resolves once it is durable and visible in the catalog; rejects with what the
   * command threw, with `store.write_failed` when the truth could not be written, with `store.no_leader` when those
   * who keep it cannot be reached, or with `store.closed`.
   */
  write<Answer>(command: Command<Answer>): Promise<Committed<Answer>>;
  /** Of a store whose catalog is a replica of a truth elsewhere. Without it the catalog is the truth. */
  readonly remote?: Remote;
  /** Ends after the writes that were accepted. Idempotent. */
  close(): Promise<void>;
}

/** Whether there is a catalog to read. */
export function isReadable({ remote }: Pick<Store, 'remote'>): boolean {
  return remote?.isLoaded ?? true;
}

/** Those who keep the truth were never reached; in Consul's words, which programs look for. */
export function noServers(cause?: unknown): MusterError {
  return new MusterError('store.no_leader', 'No known Consul servers', { cause });
}
