import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Book, Entry } from './book.ts';
import type { Keyring } from './link/keyring.ts';
import { dialLink } from './link/link.ts';
import type { LinkState } from './outlook.ts';

/** For a line to another server, in ms: etcd tries again by itself. */
const DIAL_TIMEOUT = 2_000;
/** Until a port that is taken is tried again. */
const RETRY = 1_000;
/** A UUID and a line feed. */
const HEAD = 37;

export interface PeerLinesOptions {
  book: Book;
  keyring: Keyring;
  /** Port of ordinal 0. */
  peerPort: number;
  ordinal: number;
  clock: Pick<Clock, 'now'>;
  logger: Logger;
}

/** How the lines to a server are. */
interface Standing {
  /** So many lead there. */
  lines: number;
  /** Since when there have been some, or none; ms since the epoch. */
  since: number;
  trouble: string;
}

/**
 * Carries what the etcds of a cluster say to each other. Each believes the others on loopback, at one port per
 * ordinal; here such a port leads through a link to wherever that server is now. So etcd never knows an address,
 * and none can change for it.
 */
export class PeerLines {
  readonly #options: PeerLinesOptions;
  readonly #servers = new Map<number, Server>();
  /** By ID of the server at the other end. */
  readonly #lines = new Map<string, Set<Socket>>();
  /** By ID of the server; of those that lines were asked for to. */
  readonly #standing = new Map<string, Standing>();
  readonly #incoming = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: PeerLinesOptions) {
    this.#options = options;
    options.book.onChange((entry) => this.#moved(entry));
  }

  /** Sees to it that these servers can be reached, and only these. */
  lead(to: ReadonlyMap<number, string>): void {
    const { ordinal, book } = this.#options;
    for (const [at, server] of this.#servers) {
      if (to.has(at)) continue;
      server.close();
      this.#servers.delete(at);
    }
    for (const [at, id] of to) {
      const entry = book.get(id);
      // On the same machine its etcd listens there itself.
      if (at === ordinal || this.#servers.has(at) || entry === undefined || entry.host === book.self.host)
        continue;
      this.#listen(at, id);
    }
  }

  /** The other end of such a line: leads to the etcd of this server, if that is the one that is meant. */
  take(link: TLSSocket): void {
    const { book, peerPort, ordinal } = this.#options;
    link.once('readable', () => {
      const head = link.read(HEAD) as Buffer | null;
      if (head === null || head.toString() !== `${book.self.id}\n` || this.#closed) {
        link.destroy();
        return;
      }
      const etcd = connect(peerPort + ordinal, '127.0.0.1');
      this.#incoming.add(etcd);
      etcd.once('close', () => this.#incoming.delete(etcd));
      join(link, etcd);
    });
  }

  /** How etcd's lines to a server are; undefined: none was asked for, as when it is on this machine. */
  stateOf(id: string): LinkState | undefined {
    const standing = this.#standing.get(id);
    if (standing === undefined) return undefined;
    const { lines, since, trouble } = standing;
    return { kind: 'peer', isUp: lines > 0, age: this.#options.clock.now() - since, trouble };
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    for (const lines of [this.#incoming, ...this.#lines.values()]) for (const line of lines) line.destroy();
  }

  #listen(at: number, id: string): void {
    const server = createServer((near) => void this.#carry(near, id));
    this.#servers.set(at, server);
    server.on('error', (error) => {
      this.#servers.delete(at);
      this.#options.logger.debug('a port for another server is taken', {
        ordinal: at,
        error: messageOf(error),
      });
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (!this.#closed && !this.#servers.has(at)) this.#listen(at, id);
      }, RETRY);
      this.#timers.add(timer);
    });
    server.listen(this.#options.peerPort + at, '127.0.0.1');
  }

  async #carry(near: Socket, id: string): Promise<void> {
    const { book, keyring } = this.#options;
    const lines = this.#lines.get(id) ?? new Set();
    this.#lines.set(id, lines);
    lines.add(near);
    near.on('error', () => {});
    near.once('close', () => lines.delete(near));
    const entry = book.get(id);
    try {
      if (entry === undefined) throw new Error('nobody knows where it is');
      const link = await dialLink(entry, 'peer', { keyring, timeout: DIAL_TIMEOUT });
      if (near.destroyed || this.#closed) {
        link.destroy();
        return;
      }
      link.write(`${id}\n`);
      join(near, link);
      this.#count(id, 1);
      near.once('close', () => this.#count(id, -1));
    } catch (error) {
      this.#count(id, 0, messageOf(error));
      near.destroy();
    }
  }

  #count(id: string, more: number, trouble = ''): void {
    const now = this.#options.clock.now();
    const standing = this.#standing.get(id) ?? { lines: 0, since: now, trouble };
    const before = standing.lines;
    standing.lines += more;
    if (before > 0 !== standing.lines > 0) standing.since = now;
    standing.trouble = standing.lines > 0 ? '' : trouble || standing.trouble;
    this.#standing.set(id, standing);
  }

  /** What still goes to where a server was is cut: etcd would only notice after seconds. */
  #moved({ id }: Entry): void {
    for (const line of this.#lines.get(id) ?? []) line.destroy();
  }
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay(true);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
