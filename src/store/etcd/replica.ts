import type { Catalog } from '../../catalog/catalog.ts';
import type { Rows, TableName } from '../../catalog/rows.ts';
import type { Write } from '../../catalog/transaction.ts';
import { MusterError, messageOf } from '../../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { difference } from '../difference.ts';
import { fromText } from '../row-text.ts';
import { Barrier } from './barrier.ts';
import type { EtcdClient } from './client.ts';
import { type Duplex, RpcError, STATUS } from './grpc.ts';
import { decodeWrites, type Head, type Layout, NO_HEAD } from './layout.ts';
import type { KeyValue, WatchAnswer, WatchEvent } from './messages.ts';

/** Rows in one answer to a list: some megabytes. */
const PAGE = 4000;
/** Between two attempts to follow etcd. */
const RETRY: BackoffPolicy = { base: 50, max: 1000 };
/** Without any other sign of life a majority is asked whether it is there, in ms. */
const HEARTBEAT = 500;
/** For an answer to that: an election takes less than a second. */
const HEARTBEAT_TIMEOUT = 1000;
/** How far behind the watch may fall before it is begun anew, in ms. */
const MAX_LAG = 2000;

export interface ReplicaOptions {
  client: EtcdClient;
  layout: Layout;
  catalog: Catalog;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
  /** A key below `layout.signals` was put, or with `value` undefined went away. */
  onSignal?: ((name: string, value: string | undefined) => void) | undefined;
}

interface Waiter {
  revision: number;
  resolve(reached: boolean): void;
}

/**
 * Keeps the catalog as etcd has it: lists, watches from there on, resumes by revision after a loss of the
 * connection, and lists again when etcd no longer has what was missed. A commit is applied whole, once, and in its
 * place.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #barrier: Barrier<void>;
  #head: Head = NO_HEAD;
  /** Revision at which the head was put; 0: there is none yet. */
  #headRevision = 0;
  /** Everything up to this revision has been seen. */
  #revision = 0;
  /** What is followed is not what etcd holds now: it has to be listed. */
  #isOther = false;
  #contactAt = 0;
  #waiters = new Set<Waiter>();
  #stream: Duplex | undefined;
  /** Answers of the watch that wait until the pieces of a large commit have been read. */
  #answers: Promise<void> = Promise.resolve();
  #events: WatchEvent[] = [];
  #heartbeat: () => void = () => {};
  #closed = false;
  /** Called with each head that is taken over. */
  onHead: (head: Head) => void = () => {};

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#barrier = new Barrier(() => this.#ask());
  }

  get head(): Head {
    return this.#head;
  }

  get headRevision(): number {
    return this.#headRevision;
  }

  /** Milliseconds since a majority last answered; Infinity: never. */
  get silence(): number {
    return this.#contactAt === 0 ? Number.POSITIVE_INFINITY : this.#options.clock.now() - this.#contactAt;
  }

  /**
   * Fills the catalog and follows from then on. Rejects when etcd does not answer at all; without a majority the
   * member that is asked answers alone, with what it last knew.
   */
  async start(): Promise<void> {
    const { catalog, client, layout } = this.#options;
    let list: Listed;
    // A member that is about to come up answers alone a moment later, when it knows of no majority yet: that is no reason to begin without one.
    await client.range({ key: layout.head, serializable: true });
    try {
      list = await this.#list(false);
      this.heard();
    } catch (error) {
      list = await this.#list(true);
      const why = messageOf(error);
      // It was taken in a moment ago, and passes nobody's questions on to the others until it has caught up.
      if (why.includes('not supported for learner'))
        this.#options.logger.info('this member of etcd does not count yet: beginning with what it knows');
      else
        this.#options.logger.warn('no majority of etcd answers: beginning with what one member knows', {
          error: why,
        });
    }
    catalog.load(list.head.index, list.rows);
    this.#moveTo(list.head, list.headRevision);
    this.#revision = list.revision;
    void this.#follow();
    this.#beat();
  }

  close(): void {
    this.#closed = true;
    this.#heartbeat();
    this.#stream?.close();
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#waiters.clear();
  }

  /** A majority was heard of. */
  heard(): void {
    this.#contactAt = this.#options.clock.now();
  }

  /**
   * Resolves once the catalog shows all that was acknowledged anywhere before the call. Rejects when no majority
   * answers.
   */
  refresh(): Promise<void> {
    return this.#barrier.pass();
  }

  /** Takes a commit over that `revision` of etcd holds. False when it does not fit: something was missed. */
  accept(head: Head, revision: number, writes: readonly Write[]): boolean {
    const { catalog } = this.#options;
    if (head.index < catalog.index) return true;
    if (head.index === catalog.index) {
      // The same commit again: its pieces became rows.
      if (revision > this.#headRevision) this.#moveTo(head, revision);
      return true;
    }
    if (head.base !== catalog.index) return false;
    catalog.apply(head.index, writes);
    this.#moveTo(head, revision);
    return true;
  }

  /**
   * Resolves true once the head that was put at `revision`, or a later one, is here; false when that takes too
   * long.
   */
  reached(revision: number): Promise<boolean> {
    if (this.#headRevision >= revision) return Promise.resolve(true);
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve: (reached) => {
          cancel();
          this.#waiters.delete(waiter);
          resolve(reached);
        },
      };
      const cancel = this.#options.clock.after(MAX_LAG, () => {
        this.#stream?.close();
        waiter.resolve(false);
      });
      this.#waiters.add(waiter);
    });
  }

  /** The writes of a commit that lies in pieces. */
  async piecesOf(head: Head, revision: number): Promise<Write[]> {
    const { client, layout } = this.#options;
    const writes: Write[] = [];
    // One piece may be as long as an answer should be.
    for (let i = 0; i < (head.pieces ?? 0); i++) {
      const { kvs } = await client.range({ key: layout.piece(head.nonce, i), revision });
      const [piece] = kvs;
      if (piece === undefined) throw new MusterError('internal', 'a piece of a large commit is missing');
      for (const write of decodeWrites(piece.value.toString())) writes.push(write);
    }
    return writes;
  }

  #moveTo(head: Head, revision: number): void {
    this.#head = head;
    this.#headRevision = revision;
    this.onHead(head);
    for (const waiter of this.#waiters) if (revision >= waiter.revision) waiter.resolve(true);
  }

  async #ask(): Promise<void> {
    const { client, layout } = this.#options;
    const [before, { nonce }] = [this.#headRevision, this.#head];
    const [kv] = (await client.range({ key: layout.head }, HEARTBEAT_TIMEOUT)).kvs;
    this.heard();
    const revision = kv?.modRevision ?? 0;
    // Revisions only grow, unless this etcd was put back, or its server has joined those who went on without it.
    if (revision < before || (revision === before && kv !== undefined && headOf(kv).nonce !== nonce)) {
      this.#isOther = true;
      this.#headRevision = 0;
      this.#stream?.close();
    }
    if (!(await this.reached(revision))) throw changesAreLate();
  }

  #beat(): void {
    this.#heartbeat = this.#options.clock.after(HEARTBEAT, () => {
      const done = () => {
        if (!this.#closed) this.#beat();
      };
      if (this.silence < HEARTBEAT) done();
      else this.refresh().then(done, done);
    });
  }

  /** Everything as of one revision. With `alone` one member is asked for what it has. */
  async #list(alone: boolean): Promise<Listed> {
    const { client, layout } = this.#options;
    const first = await client.range({ key: layout.head, serializable: alone });
    const { revision } = first;
    const [kv] = first.kvs;
    const head = kv === undefined ? NO_HEAD : headOf(kv);
    const rows: Write[] = [];
    let { key } = layout.rows;
    for (let more = true; more; ) {
      const end = layout.rows.end as string;
      const page = await client.range({ key, end, limit: PAGE, revision, serializable: true });
      for (const one of page.kvs) {
        const write = this.#write({ deleted: false, kv: one });
        if (write !== undefined) rows.push(write);
      }
      more = page.more;
      const last = page.kvs.at(-1);
      if (last !== undefined) key = `${last.key.toString()}\u0000`;
    }
    const pieces = head.pieces === undefined ? [] : await this.piecesOf(head, revision);
    return { revision, head, headRevision: kv?.modRevision ?? 0, rows: rows.concat(pieces) };
  }

  /** Brings the catalog to what etcd has now, in one commit of what differs. */
  async #listAgain(): Promise<void> {
    const { catalog, logger } = this.#options;
    const { revision, head, headRevision, rows } = await this.#list(false);
    this.heard();
    if (head.index > catalog.index) {
      const writes = difference(catalog, rows);
      catalog.apply(head.index, writes);
      this.#moveTo(head, headRevision);
      logger.info('the catalog was read again as a whole', { index: head.index, changes: writes.length });
    } else if (headRevision > this.#headRevision) this.#moveTo(head, headRevision);
    this.#revision = revision;
  }

  async #follow(): Promise<void> {
    const { logger, random, clock } = this.#options;
    let listFirst = false;
    for (let failures = 0; !this.#closed; failures++) {
      try {
        if (listFirst || this.#isOther) await this.#listAgain();
        listFirst = false;
        this.#isOther = false;
        const end = await this.#watch(() => {
          failures = 0;
        });
        listFirst = end === 'list again';
      } catch (error) {
        if (this.#closed) return;
        if (failures === 0) logger.debug('following etcd was interrupted', { error: messageOf(error) });
      }
      if (this.#closed) return;
      if (!listFirst)
        await new Promise<void>((resolve) => clock.after(backoffDelay(RETRY, failures, random()), resolve));
    }
  }

  /** Follows until the stream ends. */
  #watch(begun: () => void): Promise<'list again' | 'ended'> {
    const { client, layout } = this.#options;
    return new Promise((resolve, reject) => {
      let again = false;
      this.#events = [];
      const take = async (answer: WatchAnswer) => {
        if (answer.created) begun();
        if (answer.canceled) {
          again ||= answer.compactRevision > 0;
          this.#stream?.close();
          return;
        }
        if (again || (await this.#take(answer))) return;
        again = true;
        this.#stream?.close();
      };
      const opening = client.watch(layout.all, this.#revision + 1, {
        answer: (answer) => {
          this.#answers = this.#answers
            .then(() => take(answer))
            .catch(() => {
              again = true;
              this.#stream?.close();
            });
        },
        end: (error) => {
          void this.#answers.then(() =>
            again ? resolve('list again') : this.#closed ? resolve('ended') : reject(error),
          );
        },
      });
      opening.then((stream) => {
        this.#stream = stream;
        if (this.#closed) stream.close();
      }, reject);
    });
  }

  /** False: something was missed. */
  async #take({ events, fragment, revision }: WatchAnswer): Promise<boolean> {
    for (const event of events) this.#events.push(event);
    if (fragment) return true;
    const all = this.#events;
    this.#events = [];
    for (let from = 0; from < all.length; ) {
      const at = (all[from] as WatchEvent).kv.modRevision;
      let to = from + 1;
      while (to < all.length && (all[to] as WatchEvent).kv.modRevision === at) to++;
      if (!(await this.#see(at, all.slice(from, to)))) return false;
      this.#revision = at;
      from = to;
    }
    if (all.length === 0) this.#revision = Math.max(this.#revision, revision);
    return true;
  }

  /** Takes over what one revision of etcd changed. */
  async #see(revision: number, events: readonly WatchEvent[]): Promise<boolean> {
    const { layout, onSignal } = this.#options;
    let head: Head | undefined;
    for (const { deleted, kv } of events) {
      const key = kv.key.toString();
      if (key === layout.head) {
        if (deleted) return false;
        head = headOf(kv);
      } else if (key.startsWith(layout.signals))
        onSignal?.(key.slice(layout.signals.length), deleted ? undefined : kv.value.toString());
    }
    // Without a head it is no commit: pieces, or their becoming rows.
    if (head === undefined) return true;
    if (head.index <= this.#options.catalog.index) return this.accept(head, revision, []);
    const writes =
      head.pieces === undefined
        ? events.flatMap((event) => this.#write(event) ?? [])
        : await this.piecesOf(head, revision);
    return this.accept(head, revision, writes);
  }

  #write({ deleted, kv }: WatchEvent): Write | undefined {
    const place = this.#options.layout.rowOf(kv.key);
    if (place === undefined) return undefined;
    const row = deleted ? undefined : fromText<Rows[TableName]>(kv.value.toString());
    const { table, key } = place;
    return { table, key, row } as Write;
  }
}

interface Listed {
  revision: number;
  head: Head;
  headRevision: number;
  rows: Write[];
}

export function headOf({ value }: KeyValue): Head {
  return JSON.parse(value.toString()) as Head;
}

export function changesAreLate(): RpcError {
  return new RpcError(STATUS.deadlineExceeded, 'the changes of other servers do not come in');
}
