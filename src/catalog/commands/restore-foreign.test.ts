import { describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { NODE, serviceRow } from '../rows.test-support.ts';
import { type Check, MEMBER_CHECK, type Session } from '../rows.ts';
import { checkKey, shapeOf } from '../tables.ts';
import { Transaction, type Write } from '../transaction.ts';
import { kvSet } from './kv.ts';
import { register } from './register.ts';
import { restoreForeign } from './restore-foreign.ts';

const HERE = '11111111-0000-4000-8000-000000000001';
const THERE = '22222222-0000-4000-8000-000000000002';

const indexes = { createIndex: 0, modifyIndex: 0 };

function memberCheck(node: string): Check {
  const rest = {
    notes: '',
    serviceName: '',
    serviceTags: [],
    type: '',
    interval: '',
    timeout: '',
    definition: {},
  };
  const health = { status: 'passing' as const, output: 'Agent alive and reachable', serviceId: '' };
  return { node, id: MEMBER_CHECK, name: 'Serf Health Status', ...health, ...rest, ...indexes };
}

function session(id: string, node: string): Session {
  const checks = { nodeChecks: [MEMBER_CHECK], checks: [], serviceChecks: [] };
  return { id, name: id, node, ...checks, behavior: 'release', ttl: '', lockDelay: 0, ...indexes };
}

const write = <T extends Write['table']>(table: T, row: object): Write =>
  ({ table, key: shapeOf(table).key(row as never), row }) as unknown as Write;

/** Two agents of another cluster, each with a session and a lock. */
const ARCHIVE: Write[] = [
  ...['n', 'other'].flatMap((name) => [
    write('nodes', {
      ...NODE,
      name,
      id: name === 'n' ? THERE : `${THERE.slice(0, -1)}9`,
      address: '9.9.9.9',
      ...indexes,
    }),
    write('checks', memberCheck(name)),
    write('services', { ...serviceRow(`on-${name}`, name), node: name, ...indexes }),
    write('sessions', session(`session-${name}`, name)),
    write('kv', {
      key: `lock-${name}`,
      value: Buffer.of(1),
      flags: 0n,
      lockIndex: 1,
      session: `session-${name}`,
      ...indexes,
    }),
  ]),
];

function setUp() {
  const catalog = new Catalog((error) => {
    throw error;
  });
  const run = <T>(command: (tx: Transaction) => T): T => {
    const tx = new Transaction(catalog, catalog.index + 1, 0);
    const answer = command(tx);
    catalog.apply(tx.index, tx.writes());
    return answer;
  };
  run((tx) => {
    const {
      node: _node,
      serviceName: _name,
      serviceTags: _tags,
      createIndex: _c,
      modifyIndex: _m,
      ...check
    } = memberCheck('n');
    register(tx, {
      node: { ...NODE, id: HERE, address: '1.1.1.1' },
      checks: [check],
      service: serviceRow('consul', 'consul'),
    });
  });
  return { catalog, run };
}

describe('a catalog of another cluster', () => {
  it('takes the place of what there is, and moves no index backwards', () => {
    const { catalog, run } = setUp();
    run((tx) => void kvSet(tx, { key: 'mine', value: Buffer.of(1), flags: 0n }));
    const { index } = catalog;
    run((tx) => restoreForeign(tx, ARCHIVE));
    expect(catalog.index).toBe(index + 1);
    expect(catalog.all('kv').map(({ key, modifyIndex }) => [key, modifyIndex])).toEqual([
      ['lock-n', index + 1],
      ['lock-other', index + 1],
    ]);
    expect(
      catalog
        .all('services')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['consul', 'on-n', 'on-other']);
  });

  it('leaves the agents that are here as they are, with the sessions of their names', () => {
    const { catalog, run } = setUp();
    expect(run((tx) => restoreForeign(tx, ARCHIVE))).toEqual({ agents: 1, sessions: 1 });
    expect(catalog.get('nodes', 'n')).toMatchObject({ id: HERE, address: '1.1.1.1' });
    expect(catalog.get('checks', checkKey('n', MEMBER_CHECK))).toMatchObject({ status: 'passing' });
    expect(catalog.get('kv', 'lock-n')).toMatchObject({ session: 'session-n', lockIndex: 1 });
  });

  it('has agents that are not here silent: their sessions end, and their locks are free', () => {
    const { catalog, run } = setUp();
    run((tx) => restoreForeign(tx, ARCHIVE));
    expect(catalog.get('checks', checkKey('other', MEMBER_CHECK))).toMatchObject({
      status: 'critical',
      output: 'Agent not live or unreachable',
    });
    expect(catalog.all('sessions').map(({ id }) => id)).toEqual(['session-n']);
    expect(catalog.get('kv', 'lock-other')).toMatchObject({ session: '', lockIndex: 1 });
  });

  it('gives way where it has the ID of an agent that is here under another name', () => {
    const { catalog, run } = setUp();
    run((tx) => restoreForeign(tx, [write('nodes', { ...NODE, name: 'renamed', id: HERE, ...indexes })]));
    expect(catalog.all('nodes').map(({ name }) => name)).toEqual(['n']);
  });

  it('an agent that comes later takes its name over', () => {
    const { catalog, run } = setUp();
    run((tx) => restoreForeign(tx, ARCHIVE));
    const later = `${HERE.slice(0, -1)}7`;
    run((tx) => register(tx, { node: { ...NODE, name: 'other', id: later } }));
    expect(catalog.get('nodes', 'other')).toMatchObject({ id: later });
  });
});
