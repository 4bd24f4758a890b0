import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { Transaction, type Write } from '../../catalog/transaction.ts';
import { MusterError, messageOf } from '../../errors.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { rowText } from '../row-text.ts';
import type { Command, Committed } from '../store.ts';
import type { EtcdClient } from './client.ts';
import { RpcError, STATUS } from './grpc.ts';
import { encodeWrites, type Head, type Layout } from './layout.ts';
import type { Operation, Txn } from './messages.ts';
import { changesAreLate, headOf, type Replica } from './replica.ts';

/** What one transaction may hold. */
export interface TxnLimits {
  readonly operations: number;
  readonly bytes: number;
}

/** etcd's defaults (`--max-txn-ops`, `--max-request-bytes`), with room for what is around the values. */
export const DEFAULT_TXN_LIMITS: TxnLimits = { operations: 128, bytes: 1_400_000 };

/** A write waits so long for a majority, in ms: longer than an election takes. */
const PATIENCE = 5_000;
/**
 * For an attempt at a commit, in ms: what a leader took with it when it ended is never answered, and the next one is there within a second. After so many attempts
 * it is another kind of trouble, and each is given twice as long as the one before. There is one commit at a time: what is sent once more costs little.
 */
const ATTEMPT = 300;
const SHORT_ATTEMPTS = 3;
const LONGEST_ATTEMPT = 4_000;
/** With no majority heard of for so long, writes are refused at once. */
const FAIL_FAST_AFTER = 3_000;
/** Commands in one commit at most: bounds how long the first of them waits for the last. */
const MAX_GROUP = 1024;

/** Commits that may have been acknowledged by servers that are lost, at most. */
const SKIP = 1_000_000;

interface Pending {
  command: Command<unknown>;
  deadline: number;
  resolve(committed: Committed<unknown>): void;
  reject(error: unknown): void;
}

/** What a group of commands comes to. */
interface Outcome {
  index: number;
  writes: readonly Write[];
  tell: (() => void)[];
}

export interface CommitsOptions {
  client: EtcdClient;
  layout: Layout;
  catalog: Catalog;
  replica: Replica;
  limits: TxnLimits;
  clock: Clock;
  /** That commands are told, ms since the epoch. */
  time: () => number;
}

export function noLeader(cause?: unknown): MusterError {
  return new MusterError('store.no_leader', 'No cluster leader', { cause });
}

/**
 * Commits commands to etcd. A group of them runs over the catalog as of its last commit, and is written on
 * condition that it still is the last one; else the group runs again over what came in between. So all commits,
 * whoever makes them, are in one order, each made with the knowledge of all before it; nothing a command read can
 * have changed, nor appeared.
 */
export class Commits {
  readonly #options: CommitsOptions;
  #queue: Pending[] = [];
  #busy = false;
  #idle: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  write<Answer>(command: Command<Answer>): Promise<Committed<Answer>> {
    const { clock, replica } = this.#options;
    if (this.#closed) return Promise.reject(new MusterError('store.closed', 'the store is closed'));
    if (replica.silence > FAIL_FAST_AFTER) return Promise.reject(noLeader());
    return new Promise((resolve, reject) => {
      const deadline = clock.now() + PATIENCE;
      this.#queue.push({ command, deadline, resolve: resolve as Pending['resolve'], reject });
      if (!this.#busy) this.#idle = this.#drain();
    });
  }

  /** Moves the index on without a change, further than any commit that was lost can have reached. */
  async skipAhead(): Promise<void> {
    const { clock, replica } = this.#options;
    for (;;) {
      await replica.refresh();
      const { head, headRevision } = replica;
      if (head.pieces !== undefined) await this.#unfold(head, headRevision);
      else {
        const next: Head = { index: head.index + SKIP, base: head.index, nonce: randomUUID() };
        const at = await this.#put(next, headRevision, [], clock.now() + PATIENCE);
        if (at !== undefined) {
          replica.accept(next, at, []);
          return;
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#idle;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    // Gathers what is written in this turn of the event loop.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0) await this.#commit();
    } finally {
      this.#busy = false;
    }
  }

  /** Commits what is at the front of the queue. */
  async #commit(): Promise<void> {
    const group = this.#queue.splice(0, MAX_GROUP);
    const { clock, replica } = this.#options;
    const deadline = Math.max(...group.map((one) => one.deadline));
    for (;;) {
      try {
        if (replica.head.pieces !== undefined) await this.#unfold(replica.head, replica.headRevision);
        const outcome = this.#run(group);
        const kept = await this.#keep(outcome, deadline);
        if (!kept) continue;
        for (const tell of outcome.tell) tell();
        return;
      } catch (error) {
        if (!(error instanceof RpcError) || !isPassing(error)) {
          for (const { reject } of group) reject(failed(error));
          return;
        }
        if (clock.now() >= deadline || this.#closed) {
          for (const { reject } of group) reject(noLeader(error));
          return;
        }
        await pause(clock, 50);
      }
    }
  }

  /** Runs as many commands of the group as go into one transaction; the others go back to the front of the queue. */
  #run(group: Pending[]): Outcome {
    const { catalog, time, limits } = this.#options;
    const now = time();
    const overlay = new Transaction(catalog, catalog.index, now);
    let index = catalog.index;
    let size = 0;
    const tell: (() => void)[] = [];
    for (const [at, { command, resolve, reject }] of group.entries()) {
      const tx = new Transaction(overlay, index + 1, now);
      try {
        const answer = command(tx);
        if (!tx.isEmpty) {
          const writes = tx.writes();
          const bytes = sizeOf(writes, limits);
          const operations = writes.length;
          const isFull =
            size > 0 &&
            (size + bytes > limits.bytes || overlay.writes().length + operations >= limits.operations);
          if (isFull) {
            this.#queue.unshift(...group.splice(at));
            break;
          }
          size += bytes;
          overlay.absorb(tx);
          index++;
        }
        const committed = { index, answer };
        tell.push(() => resolve(committed));
      } catch (error) {
        tell.push(() => reject(error));
      }
    }
    return { index, writes: overlay.writes(), tell };
  }

  /** False: another commit came first. */
  async #keep({ index, writes }: Outcome, deadline: number): Promise<boolean> {
    const { catalog, layout, replica, limits } = this.#options;
    const base = replica.head;
    const revision = replica.headRevision;
    if (writes.length === 0) {
      // Also "no" and "nothing to do" are only true of the last commit.
      await replica.refresh();
      return replica.headRevision === revision;
    }
    const nonce = randomUUID();
    const operations = writes.map((write) => operationOf(layout, write));
    const fits = operations.length < limits.operations && bytesOf(operations) <= limits.bytes;
    let head: Head = { index, base: base.index, nonce };
    if (!fits) {
      const pieces = await this.#lay(nonce, writes, revision);
      if (pieces === undefined) return false;
      head = { ...head, pieces };
    }
    const at = await this.#put(head, revision, fits ? operations : [], deadline);
    if (at === undefined) return false;
    // The watch may have been faster.
    if (catalog.index < index) replica.accept(head, at, writes);
    return true;
  }

  /**
   * Puts the head on condition that it was last put at `revision`. Answers the new revision, or undefined when
   * another was faster. When the connection is lost it is tried again until it is known how it ended: the same
   * attempt cannot succeed twice.
   */
  async #put(
    head: Head,
    revision: number,
    operations: readonly Operation[],
    deadline: number,
  ): Promise<number | undefined> {
    const { client, clock, layout, replica } = this.#options;
    const place = layout.head;
    let isSeen = false;
    let attempt = 0;
    const txn: Txn = {
      compare: [{ key: place, modRevision: revision }],
      success: [{ kind: 'put', key: place, value: JSON.stringify(head) }, ...operations],
      failure: [{ kind: 'get', key: place }],
    };
    const before = replica.onHead;
    replica.onHead = ({ nonce }) => {
      isSeen ||= nonce === head.nonce;
    };
    try {
      for (;;) {
        try {
          const timeout = Math.min(LONGEST_ATTEMPT, ATTEMPT * 2 ** Math.max(0, ++attempt - SHORT_ATTEMPTS));
          const { succeeded, revision: at, reads } = await client.txn(txn, timeout);
          replica.heard();
          if (succeeded) return at;
          const [found] = reads[0] ?? [];
          const now = found === undefined ? undefined : headOf(found);
          if (now?.nonce === head.nonce) return found?.modRevision;
          const isUpToDate = await replica.reached(found?.modRevision ?? 0);
          if (isSeen) return replica.headRevision;
          // An attempt whose answer was lost may have been carried out, and others after it.
          if (attempt > 1 && !isUpToDate) throw changesAreLate();
          return undefined;
        } catch (error) {
          // It was carried out, and the watch was faster than the answer.
          if (isSeen) return replica.headRevision;
          if (!(error instanceof RpcError) || !isPassing(error) || clock.now() >= deadline) throw error;
          await pause(clock, 50);
        }
      }
    } finally {
      replica.onHead = before;
    }
  }

  /** Lays a large commit down in pieces. Undefined when another commit was faster. */
  async #lay(nonce: string, writes: readonly Write[], revision: number): Promise<number | undefined> {
    const { client, layout, limits } = this.#options;
    const compare = [{ key: layout.head, modRevision: revision }];
    let pieces = 0;
    let from = 0;
    while (from < writes.length) {
      let bytes = 0;
      let to = from;
      while (to < writes.length && (to === from || bytes < limits.bytes / 2))
        bytes += sizeOf([writes[to++] as Write], limits);
      const value = encodeWrites(writes.slice(from, to));
      const { succeeded } = await client.txn({
        compare,
        success: [{ kind: 'put', key: layout.piece(nonce, pieces), value }],
      });
      if (!succeeded) {
        await client.txn({ compare: [], success: [{ kind: 'delete', ...layout.piecesOf(nonce) }] });
        await this.#options.replica.refresh();
        return undefined;
      }
      pieces++;
      from = to;
    }
    return pieces;
  }

  /**
   * Makes rows of the pieces of the last commit, whoever made it; before that is done nothing else can be
   * committed.
   */
  async #unfold(head: Head, revision: number): Promise<void> {
    const { client, layout, limits, replica } = this.#options;
    const writes = await replica.piecesOf(head, revision);
    const compare = [{ key: layout.head, modRevision: revision }];
    let success: Operation[] = [];
    let bytes = 0;
    const flush = async () => {
      const done = await client.txn({ compare, success });
      success = [];
      bytes = 0;
      return done.succeeded;
    };
    for (const write of writes) {
      const operation = operationOf(layout, write);
      const more = bytesOf([operation]);
      if (success.length > 0 && (success.length + 1 >= limits.operations || bytes + more > limits.bytes))
        if (!(await flush())) return replica.refresh();
      success.push(operation);
      bytes += more;
    }
    if (success.length > 0 && !(await flush())) return replica.refresh();
    const { pieces: _pieces, ...whole } = head;
    // What others left behind goes too: nobody can complete a commit over the head that was.
    const { succeeded, revision: at } = await client.txn({
      compare,
      success: [
        { kind: 'put', key: layout.head, value: JSON.stringify(whole) },
        { kind: 'delete', ...layout.pieces },
      ],
    });
    if (!succeeded) return replica.refresh();
    replica.accept(whole, at, []);
  }
}

/** Worth another try: nothing is wrong with the request. */
function isPassing({ status, message }: RpcError): boolean {
  return (
    status === STATUS.unavailable ||
    status === STATUS.deadlineExceeded ||
    status === STATUS.cancelled ||
    status === STATUS.unauthenticated ||
    /raft proposal dropped|etcdserver: (?:request timed out|leader changed|no leader|not leader|too many requests)/.test(
      message,
    )
  );
}

function failed(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  return new MusterError('store.write_failed', `the write was not kept: etcd says: ${messageOf(error)}`, {
    cause: error,
  });
}

function operationOf(layout: Layout, { table, key, row }: Write): Operation {
  const place = layout.row(table, key);
  return row === undefined
    ? { kind: 'delete', key: place }
    : { kind: 'put', key: place, value: rowText(row) };
}

function bytesOf(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const operation of operations)
    bytes +=
      operation.key.length +
      32 +
      (operation.kind === 'put' ? Buffer.byteLength(operation.value as string) : 0);
  return bytes;
}

/** Bytes of some writes as they are sent. Throws `request.rejected` for a row that etcd cannot take at all. */
function sizeOf(writes: readonly Write[], limits: TxnLimits): number {
  let bytes = 0;
  for (const { key, row } of writes) {
    const size = key.length + 64 + (row === undefined ? 0 : Buffer.byteLength(rowText(row)));
    if (size > limits.bytes)
      throw new MusterError(
        'request.rejected',
        `Value is too large for the cluster: ${size} of at most ${limits.bytes} bytes`,
      );
    bytes += size;
  }
  return bytes;
}
