import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silentLogger } from '../lib/log.ts';
import { Book, type Entry } from './book.ts';
import { Founding } from './founding.ts';
import type { Gossip } from './gossip.ts';
import { MembershipFile, ordinalIn, type Plan } from './membership.ts';
import type { Admission } from './roster.ts';

const EXPECT = 3;

/** Servers that see of each other what they are let see, at once. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'muster-founding-'));
  readonly #servers: { entry: Entry; file: MembershipFile; founding: Founding }[] = [];
  /** Pairs that are cut off from each other. */
  #cut = new Set<string>();
  /** By pair. */
  readonly #heard = new Map<string, { cluster: string | undefined }>();
  #next = 100;
  /** Whoever may be there was asked. */
  hasAskedAll = true;
  admits = true;
  readonly #expect: number;

  constructor(count: number, expect = EXPECT) {
    this.#expect = expect;
    const entries = Array.from({ length: count }, (_, at): Entry => {
      const id = `server-${at}`;
      return { id, name: id, host: id, port: 8300, version: '1', sequence: 1 };
    });
    for (const entry of entries) {
      const book = new Book(entry, undefined, silentLogger);
      book.merge(entries);
      const file = new MembershipFile(join(this.folder, entry.id));
      const gossip = this.#gossip(entry);
      const founding = new Founding({
        book,
        file,
        gossip,
        expect: this.#expect,
        peerPort: 8310,
        logger: silentLogger,
      });
      this.#servers.push({ entry, file, founding });
    }
  }

  /** Cuts these pairs, and mends all others. */
  cut(pairs: readonly (readonly [number, number])[]): void {
    this.#cut = new Set(pairs.flatMap(([a, b]) => [`server-${a} server-${b}`, `server-${b} server-${a}`]));
  }

  turn(at: number): Promise<boolean> | undefined {
    return this.#servers[at]?.founding.turn();
  }

  refusal(at: number) {
    return this.#servers[at]?.founding.refusal;
  }

  /** IDs of the clusters that servers are members of, one for each member. */
  clusters(): string[] {
    return this.#servers.flatMap(({ file }) =>
      file.get()?.state === 'member' ? [file.get()?.id as string] : [],
    );
  }

  ordinals(): (number | undefined)[] {
    return this.#servers.map(({ file }) => file.get()?.ordinal);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #gossip({ id: self }: Entry): Gossip {
    const sees = (id: string) => id !== self && !this.#cut.has(`${self} ${id}`);
    const gossip = {
      hasAskedAll: () => this.hasAskedAll,
      /** What was once heard is known when they are cut off, too. */
      lastOf: (id: string) => this.#heard.get(`${self} ${id}`),
      reachable: () =>
        this.#servers
          .filter(({ entry }) => sees(entry.id))
          .map(({ entry, file }) => {
            const plan = file.get();
            const cluster = plan?.state === 'member' ? plan.id : undefined;
            this.#heard.set(`${self} ${entry.id}`, { cluster });
            return { entry, hello: { expect: this.#expect, plan, cluster } };
          }),
      callerTo: ({ id }: Entry) => ({
        call: async (name: string, request: Plan) => {
          if (!sees(id)) throw new Error('cut off');
          const server = this.#servers.find(({ entry }) => entry.id === id);
          if (name === 'promise') return server?.founding.promise(request);
          if (!this.admits) throw new Error('not ready yet');
          const plan = server?.file.get() as Plan;
          const admission: Admission = {
            cluster: plan.id,
            ordinal: this.#next++,
            peerPort: 8310,
            servers: plan.servers,
          };
          return admission;
        },
      }),
    };
    return gossip as unknown as Gossip;
  }
}

it('three servers that see each other found a cluster with the ordinals of their IDs', async () => {
  const world = new World(3);
  for (let round = 0; round < 3; round++) for (const at of [2, 1, 0]) await world.turn(at);
  expect(world.clusters()).toHaveLength(3);
  expect(new Set(world.clusters()).size).toBe(1);
  expect(world.ordinals()).toEqual([0, 1, 2]);
  world.remove();
});

it('two of three found nothing', async () => {
  const world = new World(2);
  for (let round = 0; round < 5; round++) for (const at of [0, 1]) await world.turn(at);
  expect(world.clusters()).toEqual([]);
  world.remove();
});

it('a server that is to found alone does so only once all who may be there were asked', async () => {
  const world = new World(1, 1);
  world.hasAskedAll = false;
  expect(await world.turn(0)).toBe(false);
  expect(world.clusters()).toEqual([]);
  world.hasAskedAll = true;
  expect(await world.turn(0)).toBe(true);
  world.remove();
});

it('a server that is to found alone joins the cluster that it finds, also when that falls silent meanwhile', async () => {
  const world = new World(2, 1);
  await world.turn(0);
  world.admits = false;
  expect(await world.turn(1)).toBe(false);
  expect(world.refusal(1)).toEqual({ by: 'server-0', why: 'not ready yet' });
  world.cut([[0, 1]]);
  expect(await world.turn(1)).toBe(false);
  world.admits = true;
  world.cut([]);
  expect(await world.turn(1)).toBe(true);
  expect(new Set(world.clusters()).size).toBe(1);
  world.remove();
});

it('whoever sees whom when, servers never become two clusters, and become one once all see each other', async () => {
  const server = fc.nat(4);
  const step = fc.record({
    cut: fc.array(fc.tuple(server, server), { maxLength: 8 }),
    turns: fc.array(server, { minLength: 1, maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const world = new World(5);
      try {
        for (const { cut, turns } of steps) {
          world.cut(cut);
          await Promise.all(turns.map((at) => world.turn(at)));
          expect(new Set(world.clusters()).size).toBeLessThanOrEqual(1);
        }
        world.cut([]);
        // A promise to a coordinator that dropped its plan is kept for some turns.
        for (let round = 0; round < 60; round++) for (let at = 0; at < 5; at++) await world.turn(at);
        expect(new Set(world.clusters()).size).toBe(1);
        expect(world.clusters()).toHaveLength(5);
      } finally {
        world.remove();
      }
    }),
    { numRuns: 60 },
  );
});

it('an ordinal is found by the ID of its server', () => {
  expect(ordinalIn({ '0': 'a', '3': 'b' }, 'b')).toBe(3);
  expect(ordinalIn({ '0': 'a' }, 'x')).toBeUndefined();
});
