import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  kvAcquire,
  kvDelete,
  kvDeleteIfIndex,
  kvRelease,
  kvSet,
  kvSetIfIndex,
} from '../catalog/commands/kv.ts';
import {
  deregisterCheck,
  deregisterNode,
  putCheck,
  putNode,
  updateCheck,
} from '../catalog/commands/register.ts';
import { createSession, destroySession } from '../catalog/commands/session.ts';
import { checkKey } from '../catalog/tables.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { isMusterError } from '../errors.ts';
import { ManualClock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import { type Behavior, LockModel, REFUSED } from './lock-model.test-support.ts';
import { startSessionExpiry } from './session-expiry.ts';

/**
 * Sessions and locks against a model of them that is simple enough to be believed: what happens to the real ones is
 * written in transactions, an expiry with timers and hooks in checks and nodes; there, in one class without any of them.
 */

const NODES = ['a', 'b'] as const;
const CHECKS = ['c', 'd'] as const;
const KEYS = ['x', 'y'] as const;

const key = fc.constantFrom(...KEYS);
const node = fc.constantFrom(...NODES);
const check = fc.constantFrom(...CHECKS);
const value = fc.constantFrom('1', '2');
/** Which of the sessions that were made, the newest first: also one that has ended. */
const session = fc.nat({ max: 4 });

const operation = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('create' as const),
      node,
      checks: fc.uniqueArray(check, { maxLength: 2 }),
      behavior: fc.constantFrom<Behavior>('release', 'delete'),
      ttl: fc.constantFrom(0, 10_000, 15_000),
      lockDelay: fc.constantFrom(0, 15_000, 100_000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('acquire' as const), key, session, value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('release' as const), key, session, value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('put' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('putAsSeen' as const), key, session, value }) },
  fc.record({ op: fc.constant('delete' as const), key }),
  fc.record({ op: fc.constant('deleteAsSeen' as const), key, session }),
  { weight: 2, arbitrary: fc.record({ op: fc.constant('destroy' as const), session }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('renew' as const), session }) },
  fc.record({
    op: fc.constant('check' as const),
    node,
    check,
    status: fc.constantFrom('passing' as const, 'warning' as const, 'critical' as const),
  }),
  fc.record({ op: fc.constant('removeCheck' as const), node, check }),
  fc.record({ op: fc.constant('addNode' as const), node }),
  fc.record({ op: fc.constant('removeNode' as const), node }),
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      // Also what is longer than any lock is held back, though not than its session asked for.
      ms: fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 58_000, max: 62_000 })),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Of the session that was made so manieth; what locks ask for has to be a UUID. */
const idOf = (count: number) => `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;

/** The real thing. */
class World {
  readonly clock = new ManualClock();
  readonly store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
    clock: this.clock,
  });
  readonly expiry = startSessionExpiry({ store: this.store, clock: this.clock, logger: silentLogger });

  /** What a command answers, or that it was refused. */
  async write<T>(command: (tx: Transaction) => T): Promise<T | typeof REFUSED> {
    try {
      return (await this.store.write(command)).answer;
    } catch (error) {
      if (isMusterError(error, 'request.rejected')) return REFUSED;
      throw error;
    }
  }

  addNode(name: string) {
    return this.write((tx) => {
      const [id, address, datacenter] = ['', '10.0.0.1', 'dc1'];
      putNode(tx, { id, name, address, datacenter, taggedAddresses: null, meta: null });
      for (const checkId of CHECKS) this.#putCheck(tx, name, checkId);
    });
  }

  #putCheck(tx: Transaction, name: string, id: string) {
    if (tx.get('checks', checkKey(name, id)) === undefined) putCheck(tx, name, { ...CHECK, id, name: id });
  }

  /** What can be seen of it. */
  view() {
    const { catalog } = this.store;
    return {
      sessions: catalog.all('sessions').map(({ id }) => id),
      keys: Object.fromEntries(
        catalog
          .all('kv')
          .map((entry) => [
            entry.key,
            { holder: entry.session, lockIndex: entry.lockIndex, value: Buffer.from(entry.value).toString() },
          ]),
      ),
    };
  }
}

const CHECK = {
  status: 'passing' as const,
  notes: '',
  output: '',
  serviceId: '',
  type: '',
  interval: '',
  timeout: '',
  definition: {},
};

const write = (name: string, text: string) => ({ key: name, value: Buffer.from(text), flags: 0n });

/** Does the same to both and answers what each said. */
async function both(
  step: Operation,
  world: World,
  model: LockModel,
  made: string[],
  seen: Map<string, { index: number; version: number }>,
): Promise<[real: unknown, model: unknown]> {
  const named = (which: number) => made[made.length - 1 - which] ?? idOf(999);
  switch (step.op) {
    case 'create': {
      const id = idOf(made.length);
      made.push(id);
      const { behavior, lockDelay, checks, ttl } = step;
      const draft = { id, name: '', node: step.node, nodeChecks: checks, checks: [], serviceChecks: [] };
      const real = await world.write(
        (tx) =>
          createSession(tx, { ...draft, behavior, lockDelay, ttl: ttl === 0 ? '' : formatDuration(ttl) }).id,
      );
      return [real, model.create({ id, node: step.node, checks, behavior, lockDelay, ttl })];
    }
    case 'acquire': {
      const id = named(step.session);
      const real = await world.write((tx) => kvAcquire(tx, write(step.key, step.value), id));
      const expected = model.acquire(step.key, step.value, id);
      const index = world.store.catalog.get('kv', step.key)?.modifyIndex ?? 0;
      if (real === true) seen.set(`${id} ${step.key}`, { index, version: model.versionOf(step.key) });
      return [real, expected];
    }
    case 'release': {
      const id = named(step.session);
      const real = await world.write((tx) => kvRelease(tx, write(step.key, step.value), id));
      return [real, model.release(step.key, step.value, id)];
    }
    case 'put':
      await world.write((tx) => kvSet(tx, write(step.key, step.value)));
      return [true, model.put(step.key, step.value)];
    case 'putAsSeen': {
      // A holder that writes only over what it saw when it took the lock: too late, and it writes nothing.
      const then = seen.get(`${named(step.session)} ${step.key}`);
      if (then === undefined) return [undefined, undefined];
      const real = await world.write((tx) => kvSetIfIndex(tx, write(step.key, step.value), then.index));
      const isCurrent = model.versionOf(step.key) === then.version;
      if (isCurrent) model.put(step.key, step.value);
      return [real, isCurrent];
    }
    case 'delete':
      await world.write((tx) => kvDelete(tx, step.key));
      return [true, model.delete(step.key)];
    case 'deleteAsSeen': {
      const then = seen.get(`${named(step.session)} ${step.key}`);
      if (then === undefined) return [undefined, undefined];
      const real = await world.write((tx) => kvDeleteIfIndex(tx, step.key, then.index));
      // Deleting what is not there succeeds whatever was seen.
      const mayDelete = !model.has(step.key) || model.versionOf(step.key) === then.version;
      if (mayDelete) model.delete(step.key);
      return [real, mayDelete];
    }
    case 'destroy': {
      const id = named(step.session);
      return [await world.write((tx) => destroySession(tx, id)), model.destroy(id)];
    }
    case 'renew': {
      const id = named(step.session);
      await world.expiry.renew(id);
      model.renew(id);
      return [true, true];
    }
    case 'check': {
      const { status } = step;
      await world.write((tx) => updateCheck(tx, step.node, step.check, { status, output: '' }));
      return [true, model.setCheck(step.node, step.check, status)];
    }
    case 'removeCheck':
      await world.write((tx) => deregisterCheck(tx, step.node, step.check));
      return [true, model.removeCheck(step.node, step.check)];
    case 'addNode':
      await world.addNode(step.node);
      return [true, model.addNode(step.node, CHECKS)];
    case 'removeNode':
      await world.write((tx) => deregisterNode(tx, step.node));
      return [true, model.removeNode(step.node)];
    case 'wait':
      world.clock.advance(step.ms);
      return [true, model.wait(step.ms)];
  }
}

describe('sessions and locks', () => {
  it('do what the model does, whatever is asked of them in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), async (steps) => {
        const world = new World();
        const model = new LockModel();
        const made: string[] = [];
        const seen = new Map<string, { index: number; version: number }>();
        for (const name of NODES) {
          await world.addNode(name);
          model.addNode(name, CHECKS);
        }
        for (const [at, step] of steps.entries()) {
          const [real, expected] = await both(step, world, model, made, seen);
          expect({ at, ...step, answer: real, ...world.view() }).toEqual({
            at,
            ...step,
            answer: expected,
            ...model.view(),
          });
        }
        await world.expiry.stop();
        await world.store.close();
      }),
      { numRuns: 400 },
    );
  });
});
