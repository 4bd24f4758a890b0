/** For tests: a server's feed, and agents that follow it. */
import { expect, vi } from 'vitest';
import { Catalog } from '../catalog/catalog.ts';
import { kvSet } from '../catalog/commands/kv.ts';
import { register } from '../catalog/commands/register.ts';
import { NODE, serviceRow } from '../catalog/rows.test-support.ts';
import { TABLE_NAMES } from '../catalog/tables.ts';
import { ManualClock } from '../lib/clock.ts';
import { openMemoryStore } from '../store/memory.ts';
import { Feed } from './feed.ts';
import { type ClusterState, type FeedMessage, messageIn } from './feed-message.ts';
import { FollowedCatalog } from './followed-catalog.ts';
import type { Outlet } from './link/lines.ts';

export const fail = (error: unknown) => {
  throw error;
};
export const bytes = (text: string) => new TextEncoder().encode(text);
export const WELL: ClusterState = { known: true, silence: 0, servers: [], leader: '10.0.0.1:8300' };

/** A server's catalog and its feed; `follow` makes an agent that takes lines only when it is told to. */
export function setUp() {
  const clock = new ManualClock(1_000_000);
  const store = openMemoryStore({ onSubscriberError: fail });
  let state = WELL;
  const hear = vi.fn();
  let keys = ['k1'];
  const feed = new Feed(store.catalog, { clock, state: () => state, keys: () => keys, hear });
  const set = (key: string) => store.write((tx) => kvSet(tx, { key, value: bytes(key), flags: 0n }));

  const agent = (id = 'a') => {
    const catalog = new Catalog(fail);
    const followed = new FollowedCatalog(catalog);
    /** What is under way. */
    let lines: Buffer[] = [];
    let close = () => {};
    const messages: FeedMessage[] = [];
    let received = 0;
    let told = (_index: number) => {};
    let takes = 1;
    const cut = vi.fn();
    const outlet: Outlet = {
      write: (line) => lines.push(line),
      get backlog() {
        return lines.length < takes ? 0 : Number.POSITIVE_INFINITY;
      },
      get received() {
        return received;
      },
      close: cut,
      onNumber: (task) => {
        told = task;
      },
      onClose: (task) => {
        const before = close;
        close = () => {
          before();
          task();
        };
      },
    };
    return {
      catalog,
      messages,
      cut,
      /** So many pieces are on their way to it at most. */
      takesAtOnce: (pieces: number) => {
        takes = pieces;
      },
      ping: () => received++,
      /** With its index, as agents do. */
      sign: () => {
        received++;
        told(catalog.index);
      },
      follow() {
        close = () => {};
        followed.begin();
        feed.follow({ index: catalog.index, id, version: '1.2.3' }, outlet);
      },
      lose() {
        close();
        lines = [];
      },
      /** Takes so many lines, in their order; answers the buffers. */
      take(most = Number.POSITIVE_INFINITY): Buffer[] {
        const taken = lines.splice(0, most);
        for (const line of taken.flatMap((piece) => piece.toString().trimEnd().split('\n'))) {
          const message = messageIn(line);
          messages.push(message);
          if (message.kind !== 'news') expect(followed.take(message)).toBe(true);
        }
        return taken;
      },
      /** Takes all that comes until nothing more does. */
      settle() {
        for (let turn = 0; turn < 50; turn++) {
          this.take();
          clock.advance(10);
        }
      },
    };
  };
  const rowsOf = (catalog: Catalog) =>
    Object.fromEntries(TABLE_NAMES.map((table) => [table, catalog.all(table)]));
  const expectSame = (catalog: Catalog) => {
    expect(catalog.index).toBe(store.catalog.index);
    expect(rowsOf(catalog)).toEqual(rowsOf(store.catalog));
  };
  return {
    clock,
    store,
    feed,
    hear,
    set,
    agent,
    expectSame,
    exchange: (fresh: string[]) => {
      keys = fresh;
      feed.tellKeys();
    },
    say: (now: Partial<ClusterState>) => {
      state = { ...state, ...now };
    },
    /** More rows than fit into one line. */
    async fill(services = 2_500) {
      for (let at = 0; at < services; at += 500)
        await store.write((tx) => {
          for (let i = at; i < at + 500; i++)
            register(tx, { node: NODE, service: serviceRow(`s${i}`, `web${i % 7}`, ['v1']) });
        });
      await set('x');
    },
  };
}
