import { isSame } from '../../lib/same.ts';
import {
  type About,
  type ChangeLine,
  COLLECTIONS,
  type CollectionName,
  type Collections,
  type Delta,
  type HistoryPoint,
  MAX_CHANGES,
  MAX_HISTORY,
  type Snapshot,
  type Subject,
} from './wire.ts';

type Items<C extends CollectionName> = Map<string, Collections[C]>;

/**
 * The state behind the dashboard. The server keeps one and takes deltas out of it; each browser keeps one and
 * puts them in. After any number of deltas both are equal, which is what the tests hold it to. No I/O, no clock.
 */
export class Picture {
  about: About;
  /** When it was last touched, by the server's clock. */
  at = 0;
  readonly services: Items<'services'> = new Map();
  readonly instances: Items<'instances'> = new Map();
  readonly routes: Items<'routes'> = new Map();
  readonly traffic: Items<'traffic'> = new Map();
  readonly problems: Items<'problems'> = new Map();
  readonly cluster: Items<'cluster'> = new Map();
  readonly members: Items<'members'> = new Map();
  /** Oldest first, at most `MAX_CHANGES`. */
  readonly changes: ChangeLine[] = [];
  /** Oldest first, at most `MAX_HISTORY`. */
  readonly history: HistoryPoint[] = [];
  readonly #touched = new Map<CollectionName, Set<string>>();
  #newChanges: ChangeLine[] = [];
  #newHistory: HistoryPoint[] = [];
  readonly #news = new Set<Subject>();

  constructor(about: About) {
    this.about = about;
  }

  static from(snapshot: Snapshot): Picture {
    const picture = new Picture(snapshot.about);
    picture.at = snapshot.at;
    for (const name of COLLECTIONS) {
      for (const item of snapshot[name]) items(picture, name).set(item.key, item);
    }
    append(picture.changes, snapshot.changes, MAX_CHANGES);
    append(picture.history, snapshot.history, MAX_HISTORY);
    return picture;
  }

  /** Puts an item in the place of the one with its key. Nothing happens when they are equal. */
  put<C extends CollectionName>(name: C, item: Collections[C]): void {
    const known = items(this, name).get(item.key);
    if (known === item || (known !== undefined && isSame(known, item))) return;
    items(this, name).set(item.key, item);
    this.#touch(name, item.key);
  }

  remove(name: CollectionName, key: string): void {
    if (items(this, name).delete(key)) this.#touch(name, key);
  }

  addChange(line: ChangeLine): void {
    append(this.changes, [line], MAX_CHANGES);
    append(this.#newChanges, [line], MAX_CHANGES);
  }

  addHistory(point: HistoryPoint): void {
    append(this.history, [point], MAX_HISTORY);
    append(this.#newHistory, [point], MAX_HISTORY);
  }

  /** Something changed that is not in the picture itself. */
  addNews(subject: Subject): void {
    this.#news.add(subject);
  }

  /** What changed since the last call, or undefined when nothing did. */
  takeDelta(at: number): Delta | undefined {
    const isNothing =
      this.#touched.size + this.#newChanges.length + this.#newHistory.length + this.#news.size === 0;
    if (isNothing) return;
    const set: { [C in CollectionName]?: Collections[C][] } = {};
    const gone: { [C in CollectionName]?: string[] } = {};
    for (const [name, keys] of this.#touched) {
      const all = items(this, name);
      const present: Collections[CollectionName][] = [];
      const absent: string[] = [];
      for (const key of keys) {
        const item = all.get(key);
        if (item === undefined) absent.push(key);
        else present.push(item);
      }
      if (present.length > 0) Object.assign(set, { [name]: present });
      if (absent.length > 0) gone[name] = absent;
    }
    const delta: Delta = {
      at,
      ...(Object.keys(set).length > 0 && { set }),
      ...(Object.keys(gone).length > 0 && { gone }),
      ...(this.#newChanges.length > 0 && { changes: this.#newChanges }),
      ...(this.#newHistory.length > 0 && { history: this.#newHistory }),
      ...(this.#news.size > 0 && { news: [...this.#news] }),
    };
    this.at = at;
    this.#touched.clear();
    this.#newChanges = [];
    this.#newHistory = [];
    this.#news.clear();
    return delta;
  }

  /** Takes over what the other side's `takeDelta` answered. */
  apply(delta: Delta): void {
    this.at = delta.at;
    for (const name of COLLECTIONS) {
      for (const key of delta.gone?.[name] ?? []) items(this, name).delete(key);
      for (const item of delta.set?.[name] ?? []) items(this, name).set(item.key, item);
    }
    append(this.changes, delta.changes ?? [], MAX_CHANGES);
    append(this.history, delta.history ?? [], MAX_HISTORY);
  }

  snapshot(at: number): Snapshot {
    return {
      at,
      about: this.about,
      services: [...this.services.values()],
      instances: [...this.instances.values()],
      routes: [...this.routes.values()],
      traffic: [...this.traffic.values()],
      problems: [...this.problems.values()],
      cluster: [...this.cluster.values()],
      members: [...this.members.values()],
      changes: [...this.changes],
      history: [...this.history],
    };
  }

  #touch(name: CollectionName, key: string): void {
    const keys = this.#touched.get(name);
    if (keys === undefined) this.#touched.set(name, new Set([key]));
    else keys.add(key);
  }
}

function items(picture: Picture, name: CollectionName): Map<string, Collections[CollectionName]> {
  return picture[name] as unknown as Map<string, Collections[CollectionName]>;
}

function append<Item>(list: Item[], more: readonly Item[], max: number): void {
  list.push(...more.slice(-max));
  if (list.length > max) list.splice(0, list.length - max);
}
