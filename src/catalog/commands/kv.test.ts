import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { Transaction } from '../transaction.ts';
import {
  kvAcquire,
  kvDelete,
  kvDeleteIfIndex,
  kvDeletePrefix,
  kvReap,
  kvRelease,
  kvSet,
  kvSetIfIndex,
} from './kv.ts';
import { register } from './register.ts';
import { createSession, destroySession } from './session.ts';

const fail = (error: unknown) => {
  throw error;
};

const node = { id: '', name: 'n', address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
const RELEASES = '00000000-0000-0000-0000-00000000000a';
const DELETES = '00000000-0000-0000-0000-00000000000d';
const SESSIONS = {
  [RELEASES]: { behavior: 'release', lockDelay: 0 },
  [DELETES]: { behavior: 'delete', lockDelay: 0 },
} as const;
type SessionName = keyof typeof SESSIONS;

interface ModelEntry {
  value: string;
  lockIndex: number;
  session: string;
  createIndex: number;
  modifyIndex: number;
}

/** The same store as a plain map, written down anew: what each command must answer and leave behind. */
class Model {
  entries = new Map<string, ModelEntry>();
  sessions = new Set<string>();

  write(key: string, index: number, next: Pick<ModelEntry, 'value' | 'lockIndex' | 'session'>): void {
    const known = this.entries.get(key);
    if (
      known !== undefined &&
      known.value === next.value &&
      known.lockIndex === next.lockIndex &&
      known.session === next.session
    )
      return;
    this.entries.set(key, { ...next, createIndex: known?.createIndex ?? index, modifyIndex: index });
  }
}

type Step =
  | { do: 'set'; key: string; value: string }
  | { do: 'cas'; key: string; value: string; stale: boolean }
  | { do: 'deleteCas'; key: string; stale: boolean }
  | { do: 'delete'; key: string }
  | { do: 'deletePrefix'; key: string }
  | { do: 'acquire'; key: string; value: string; session: SessionName }
  | { do: 'release'; key: string; value: string; session: SessionName }
  | { do: 'create'; session: SessionName }
  | { do: 'destroy'; session: SessionName };

const key = fc.constantFrom('a', 'a/b', 'a/c', 'b');
const value = fc.constantFrom('1', '2');
const session = fc.constantFrom<SessionName>(RELEASES, DELETES);
const stale = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, value }),
  fc.record({ do: fc.constant('cas' as const), key, value, stale }),
  fc.record({ do: fc.constant('deleteCas' as const), key, stale }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('deletePrefix' as const), key }),
  fc.record({ do: fc.constant('acquire' as const), key, value, session }),
  fc.record({ do: fc.constant('release' as const), key, value, session }),
  fc.record({ do: fc.constant('create' as const), session }),
  fc.record({ do: fc.constant('destroy' as const), session }),
);

function play(tx: Transaction, model: Model, step: Step): void {
  const { entries, sessions } = model;
  if (step.do === 'create') {
    if (sessions.has(step.session)) return;
    const rest = { name: '', node: 'n', nodeChecks: [], checks: [], serviceChecks: [], ttl: '' };
    createSession(tx, { id: step.session, ...rest, ...SESSIONS[step.session] });
    sessions.add(step.session);
    return;
  }
  if (step.do === 'destroy') {
    expect(destroySession(tx, step.session)).toBe(sessions.delete(step.session));
    for (const [name, entry] of [...entries]) {
      if (entry.session !== step.session) continue;
      if (step.session === DELETES) entries.delete(name);
      else model.write(name, tx.index, { ...entry, session: '' });
    }
    return;
  }
  const known = entries.get(step.key);
  if (step.do === 'delete') {
    kvDelete(tx, step.key);
    entries.delete(step.key);
    return;
  }
  if (step.do === 'deletePrefix') {
    kvDeletePrefix(tx, step.key);
    for (const name of [...entries.keys()]) if (name.startsWith(step.key)) entries.delete(name);
    return;
  }
  if (step.do === 'deleteCas') {
    const cas = (known?.modifyIndex ?? 0) + (step.stale ? 1000 : 0);
    const done = known === undefined || !step.stale;
    expect(kvDeleteIfIndex(tx, step.key, cas)).toBe(done);
    if (done) entries.delete(step.key);
    return;
  }
  const draft = { key: step.key, value: Buffer.from(step.value), flags: 0n };
  const plain = { value: step.value, lockIndex: 0, session: known?.session ?? '' };
  if (step.do === 'set') {
    kvSet(tx, draft);
    model.write(step.key, tx.index, plain);
  } else if (step.do === 'cas') {
    const cas = (known?.modifyIndex ?? 0) + (step.stale ? 1000 : 0);
    expect(kvSetIfIndex(tx, draft, cas)).toBe(!step.stale);
    if (!step.stale) model.write(step.key, tx.index, plain);
  } else if (step.do === 'acquire') {
    if (!sessions.has(step.session)) {
      expect(() => kvAcquire(tx, draft, step.session)).toThrow(`invalid session "${step.session}"`);
      return;
    }
    const free = known === undefined || known.session === '' || known.session === step.session;
    expect(kvAcquire(tx, draft, step.session)).toBe(free);
    if (!free) return;
    const lockIndex = (known?.lockIndex ?? 0) + (known?.session === step.session ? 0 : 1);
    model.write(step.key, tx.index, { value: step.value, lockIndex, session: step.session });
  } else {
    const holds = known !== undefined && known.session === step.session;
    expect(kvRelease(tx, draft, step.session)).toBe(holds);
    if (holds)
      model.write(step.key, tx.index, { value: step.value, lockIndex: known.lockIndex, session: '' });
  }
}

it('keys, locks and sessions do what a plain map would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const catalog = new Catalog(fail);
      const first = new Transaction(catalog, 1, 0);
      register(first, { node });
      catalog.apply(1, first.writes());
      const model = new Model();
      for (const step of steps) {
        const tx = new Transaction(catalog, catalog.index + 1, 0);
        play(tx, model, step);
        if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
        const rows = catalog
          .all('kv')
          .map(({ key, value, flags: _flags, ...row }) => [
            key,
            { ...row, value: Buffer.from(value).toString() },
          ]);
        expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(model.entries));
        expect(catalog.all('tombstones').filter(({ key }) => model.entries.has(key))).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
});

it('a lost lock is held back for the delay of its session, a minute at most, and then forgotten', () => {
  const catalog = new Catalog(fail);
  const at = <T>(now: number, command: (tx: Transaction) => T): T => {
    const tx = new Transaction(catalog, catalog.index + 1, now);
    const answer = command(tx);
    if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
    return answer;
  };
  const rest = {
    name: '',
    node: 'n',
    nodeChecks: [],
    checks: [],
    serviceChecks: [],
    ttl: '',
    behavior: 'release' as const,
  };
  const draft = { key: 'k', value: Buffer.from('x'), flags: 0n };
  at(0, (tx) => register(tx, { node }));
  at(0, (tx) => createSession(tx, { ...rest, id: RELEASES, lockDelay: 3_600_000 }));
  at(0, (tx) => createSession(tx, { ...rest, id: DELETES, lockDelay: 0 }));
  expect(at(0, (tx) => kvAcquire(tx, draft, RELEASES))).toBe(true);
  at(1000, (tx) => destroySession(tx, RELEASES));
  expect(at(60_999, (tx) => kvAcquire(tx, draft, DELETES))).toBe(false);
  // The session that left the delay behind is told no more than others.
  expect(at(60_999, (tx) => kvAcquire(tx, draft, RELEASES))).toBe(false);
  expect(() => at(61_000, (tx) => kvAcquire(tx, draft, RELEASES))).toThrow('invalid session');
  expect(at(61_000, (tx) => kvAcquire(tx, draft, DELETES))).toBe(true);
  expect(catalog.all('lockDelays')).toEqual([]);
  at(62_000, (tx) => kvDelete(tx, 'k'));
  expect(at(62_000, (tx) => kvReap(tx, 62_000))).toBe(0);
  expect(at(70_000, (tx) => kvReap(tx, 62_001))).toBe(1);
});

it('a lock is neither taken nor given back without a session that could be one', () => {
  const tx = new Transaction(new Catalog(fail), 1, 0);
  const draft = { key: 'k', value: Buffer.from('x'), flags: 0n };
  expect(() => kvAcquire(tx, draft, '')).toThrow('missing session');
  expect(() => kvRelease(tx, draft, '')).toThrow('missing session');
  expect(() => kvAcquire(tx, draft, 'nope')).toThrow(
    'failed session lookup: index error: UUID must be 36 characters',
  );
});
