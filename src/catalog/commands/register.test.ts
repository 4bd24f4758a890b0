import { describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { NODE, serviceRow } from '../rows.test-support.ts';
import { type CheckStatus, MEMBER_CHECK } from '../rows.ts';
import { Transaction } from '../transaction.ts';
import { kvAcquire } from './kv.ts';
import { deregisterCheck, deregisterNode, deregisterService, register, updateCheck } from './register.ts';
import { createSession } from './session.ts';

const service = (id: string, tags: string[] = []) => serviceRow(id, id, tags);
const check = (id: string, status: CheckStatus, serviceId = '') => ({
  id,
  name: id,
  status,
  notes: '',
  output: '',
  serviceId,
  type: '',
  interval: '',
  timeout: '',
  definition: {},
});
const SESSION = '00000000-0000-0000-0000-00000000000a';
const session = {
  id: SESSION,
  name: '',
  node: 'n',
  nodeChecks: ['c'],
  checks: [],
  serviceChecks: [],
  behavior: 'release' as const,
  ttl: '',
  lockDelay: 0,
};

function setUp() {
  const catalog = new Catalog((error) => {
    throw error;
  });
  const run = <T>(command: (tx: Transaction) => T): T => {
    const tx = new Transaction(catalog, catalog.index + 1, 0);
    const answer = command(tx);
    if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
    return answer;
  };
  return { catalog, run };
}

describe('a session ends in the same commit', () => {
  const ends: [string, (tx: Transaction) => unknown][] = [
    [
      'in which its check turns critical',
      (tx) => updateCheck(tx, 'n', 'c', { status: 'critical', output: '' }),
    ],
    [
      'in which its check is registered anew as critical',
      (tx) => register(tx, { node: NODE, checks: [check('c', 'critical')] }),
    ],
    ['in which its check goes', (tx) => deregisterCheck(tx, 'n', 'c')],
    ['in which its node goes', (tx) => deregisterNode(tx, 'N')],
  ];
  it.each(ends)('%s', (_, end) => {
    const { catalog, run } = setUp();
    run((tx) => register(tx, { node: NODE, checks: [check('c', 'passing')] }));
    run((tx) => createSession(tx, session));
    run((tx) => kvAcquire(tx, { key: 'k', value: new Uint8Array(), flags: 0n }, SESSION));
    const before = catalog.index;
    run(end);
    expect(catalog.index).toBe(before + 1);
    expect(catalog.all('sessions')).toEqual([]);
    expect(catalog.get('kv', 'k')).toMatchObject({ session: '', lockIndex: 1, modifyIndex: catalog.index });
  });

  it('in which the service of its check goes, and not with a warning', () => {
    const { catalog, run } = setUp();
    run((tx) =>
      register(tx, { node: NODE, service: service('web'), checks: [check('c', 'passing', 'web')] }),
    );
    run((tx) =>
      createSession(tx, { ...session, nodeChecks: [], serviceChecks: [{ id: 'c', namespace: '' }] }),
    );
    run((tx) => updateCheck(tx, 'n', 'c', { status: 'warning', output: '' }));
    expect(catalog.count('sessions')).toBe(1);
    run((tx) => deregisterService(tx, 'n', 'web'));
    expect(catalog.count('sessions')).toBe(0);
  });

  it('a session is not made on a check that is critical or not there', () => {
    const { run } = setUp();
    expect(() => run((tx) => createSession(tx, session))).toThrow('Missing node registration');
    run((tx) => register(tx, { node: NODE }));
    expect(() => run((tx) => createSession(tx, session))).toThrow("Missing check 'c' registration");
    run((tx) => register(tx, { node: NODE, checks: [check('c', 'critical')] }));
    expect(() => run((tx) => createSession(tx, session))).toThrow("Check 'c' is in critical state");
  });
});

describe('registering', () => {
  it('gives the name of a node to another one only while no agent of it is there', () => {
    const { catalog, run } = setUp();
    const [old, fresh] = ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'];
    const come = (id: string, name = 'n') => run((tx) => register(tx, { node: { ...NODE, id, name } }));
    const member = (status: CheckStatus) =>
      run((tx) => register(tx, { node: { ...NODE, id: old }, checks: [check(MEMBER_CHECK, status)] }));
    member('passing');
    expect(() => come(fresh, 'N')).toThrow(
      /^failed inserting node: .* Node name N is reserved by node 0.*1 with name n/,
    );
    run((tx) => updateCheck(tx, 'n', MEMBER_CHECK, { status: 'critical', output: '' }));
    come(fresh);
    expect(catalog.get('nodes', 'n')?.id).toBe(fresh);
    run((tx) => deregisterCheck(tx, 'n', MEMBER_CHECK));
    come(old);
    expect(catalog.get('nodes', 'n')?.id).toBe(old);
  });

  it('checks keep the tags with which they were registered', () => {
    const { catalog, run } = setUp();
    run((tx) =>
      register(tx, { node: NODE, service: service('web', ['old']), checks: [check('c', 'passing', 'web')] }),
    );
    run((tx) => register(tx, { node: NODE, service: service('web', ['new']) }));
    expect(catalog.all('checks')[0]?.serviceTags).toEqual(['old']);
  });

  it('what does not change moves no index', () => {
    const { catalog, run } = setUp();
    const again = () =>
      run((tx) => register(tx, { node: NODE, service: service('web'), checks: [check('c', 'passing')] }));
    again();
    const { index } = catalog;
    again();
    expect(catalog.index).toBe(index);
  });

  it('a check of a service that is not there is refused, and nothing of the registration is kept', () => {
    const { catalog, run } = setUp();
    expect(() => run((tx) => register(tx, { node: NODE, checks: [check('c', 'passing', 'web')] }))).toThrow(
      'failed inserting check: Missing service registration on node "n"',
    );
    expect(catalog.all('nodes')).toEqual([]);
  });
});
