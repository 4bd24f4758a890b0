/** Sessions and the locks that they hold, as simple as can be: for tests, the real ones are compared with it. */

export type Behavior = 'release' | 'delete';

/** The answer to what is refused. */
export const REFUSED = Symbol('refused');

export interface ModelSession {
  id: string;
  node: string;
  checks: readonly string[];
  behavior: Behavior;
  /** Milliseconds; 0: it never ends by itself. */
  ttl: number;
  /** Milliseconds. */
  lockDelay: number;
}

interface Key {
  value: string;
  /** Session, or "". */
  holder: string;
  /** How often the lock was taken. */
  lockIndex: number;
  /** Another number with each change. */
  version: number;
}

type Status = 'passing' | 'warning' | 'critical';

/** A session lives for twice its TTL without renewal. */
const GRACE = 2;
/** A lock is never held back for longer. */
const LONGEST_DELAY = 60_000;

export class LockModel {
  #now = 0;
  #versions = 0;
  /** Checks with their status by node. */
  readonly #nodes = new Map<string, Map<string, Status>>();
  readonly #sessions = new Map<string, ModelSession & { until: number }>();
  readonly #keys = new Map<string, Key>();
  /** Until when a lock may not be taken. */
  readonly #delays = new Map<string, number>();

  addNode(name: string, checks: readonly string[]): true {
    const known = this.#nodes.get(name) ?? new Map<string, Status>();
    for (const check of checks) if (!known.has(check)) known.set(check, 'passing');
    this.#nodes.set(name, known);
    return true;
  }

  removeNode(name: string): true {
    this.#nodes.delete(name);
    return this.#endWhere((session) => session.node === name);
  }

  setCheck(node: string, check: string, status: Status): true {
    const checks = this.#nodes.get(node);
    if (checks?.has(check)) checks.set(check, status);
    return status === 'critical' ? this.#endWhere(hangsOn(node, check)) : true;
  }

  removeCheck(node: string, check: string): true {
    this.#nodes.get(node)?.delete(check);
    return this.#endWhere(hangsOn(node, check));
  }

  create(session: ModelSession): string | typeof REFUSED {
    const checks = this.#nodes.get(session.node);
    if (checks === undefined) return REFUSED;
    if (!session.checks.every((check) => (checks.get(check) ?? 'critical') !== 'critical')) return REFUSED;
    this.#sessions.set(session.id, { ...session, until: this.#endOf(session) });
    return session.id;
  }

  destroy(id: string): boolean {
    const isThere = this.#sessions.has(id);
    this.#endWhere((session) => session.id === id);
    return isThere;
  }

  renew(id: string): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.until = this.#endOf(session);
  }

  acquire(name: string, value: string, session: string): boolean | typeof REFUSED {
    if ((this.#delays.get(name) ?? 0) > this.#now) return false;
    if (!this.#sessions.has(session)) return REFUSED;
    const { holder = '', lockIndex = 0 } = this.#keys.get(name) ?? {};
    if (holder !== '' && holder !== session) return false;
    this.#delays.delete(name);
    return this.#set(name, value, session, holder === session ? lockIndex : lockIndex + 1);
  }

  release(name: string, value: string, session: string): boolean {
    const key = this.#keys.get(name);
    if (key === undefined || key.holder !== session) return false;
    return this.#set(name, value, '', key.lockIndex);
  }

  /** Leaves the lock to who holds it; it counts from the beginning again. */
  put(name: string, value: string): true {
    return this.#set(name, value, this.#keys.get(name)?.holder ?? '', 0);
  }

  delete(name: string): true {
    this.#keys.delete(name);
    return true;
  }

  /** Time passes; what ends meanwhile ends at its own time. */
  wait(ms: number): true {
    const end = this.#now + ms;
    const due = [...this.#sessions.values()]
      .filter(({ until }) => until <= end)
      .sort((a, b) => a.until - b.until);
    for (const { id, until } of due) {
      this.#now = until;
      this.destroy(id);
    }
    this.#now = end;
    return true;
  }

  has(name: string): boolean {
    return this.#keys.has(name);
  }

  /** -1 for a key that is not there. */
  versionOf(name: string): number {
    return this.#keys.get(name)?.version ?? -1;
  }

  view() {
    return {
      sessions: [...this.#sessions.keys()].sort(),
      keys: Object.fromEntries(
        [...this.#keys].map(([name, { holder, lockIndex, value }]) => [name, { holder, lockIndex, value }]),
      ),
    };
  }

  #endOf({ ttl }: ModelSession): number {
    return ttl === 0 ? Number.POSITIVE_INFINITY : this.#now + GRACE * ttl;
  }

  #set(name: string, value: string, holder: string, lockIndex: number): true {
    const known = this.#keys.get(name);
    const isSame = known?.value === value && known.holder === holder && known.lockIndex === lockIndex;
    if (!isSame) this.#keys.set(name, { value, holder, lockIndex, version: ++this.#versions });
    return true;
  }

  #endWhere(ends: (session: ModelSession) => boolean): true {
    for (const session of [...this.#sessions.values()].filter(ends)) {
      this.#sessions.delete(session.id);
      for (const [name, { holder, value, lockIndex }] of this.#keys) {
        if (holder !== session.id) continue;
        if (session.behavior === 'delete') this.#keys.delete(name);
        else this.#set(name, value, '', lockIndex);
        const delay = Math.min(session.lockDelay, LONGEST_DELAY);
        if (delay > 0) this.#delays.set(name, this.#now + delay);
      }
    }
    return true;
  }
}

function hangsOn(node: string, check: string): (session: ModelSession) => boolean {
  return (session) => session.node === node && session.checks.includes(check);
}
