import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deregisterCheck,
  deregisterNode,
  deregisterService,
  register,
  updateCheck,
} from '../catalog/commands/register.ts';
import type { Check, CheckStatus } from '../catalog/rows.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { openMemoryStore } from '../store/memory.ts';
import { followCatalog } from './catalog.ts';
import type { DiscoveredInstance, InstanceChange } from './instance.ts';
import { judgeChecks } from './passing.ts';

const nodeOf = (name: string, address: string) => ({
  id: '',
  name,
  address,
  datacenter: 'dc1',
  taggedAddresses: null,
  meta: null,
});

const checkOf = (id: string, status: CheckStatus, serviceId: string) => ({
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

const serviceOf = (id: string, name: string, port: number, address: string) => ({
  id,
  name,
  kind: '',
  tags: [`urlprefix-${name}/`],
  address,
  taggedAddresses: null,
  meta: null,
  port,
  socketPath: '',
  weights: { passing: 2, warning: 1 },
  enableTagOverride: false,
});

const row = (id: string, status: CheckStatus, serviceId = 's', notes = ''): Check => ({
  ...checkOf(id, status, serviceId),
  notes,
  node: 'n',
  serviceName: 'web',
  serviceTags: [],
  createIndex: 1,
  modifyIndex: 1,
});

const open = () =>
  openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });

describe('who is out and why', () => {
  it.each<[string, Check[], RegExp]>([
    ['a passing check', [row('c', 'passing')], /^$/],
    ['a passing check beside a critical one', [row('c', 'passing'), row('d', 'critical')], /^$/],
    [
      'a critical check of the node that is not its agent',
      [row('c', 'passing'), row('disk', 'critical', '')],
      /^$/,
    ],
    [
      'only critical ones',
      [row('c', 'critical'), row('d', 'warning')],
      /^check "c" is critical, and 1 more$/,
    ],
    ['no check of its own', [row('serfHealth', 'passing', '')], /no check of its own/],
    [
      'a node whose agent is down',
      [row('c', 'passing'), row('serfHealth', 'critical', '')],
      /agent of its node/,
    ],
    [
      'a node in maintenance',
      [row('c', 'passing'), row('_node_maintenance', 'critical', '', 'new disk')],
      /^its node is in maintenance: new disk$/,
    ],
    [
      'maintenance',
      [row('c', 'passing'), row('_service_maintenance:s', 'critical')],
      /^it is in maintenance$/,
    ],
    [
      'nothing but the check of maintenance',
      [row('_service_maintenance:s', 'passing')],
      /no check of its own/,
    ],
  ])('%s', (_, checks, expected) => {
    expect(judgeChecks(checks).out).toMatch(expected);
  });
});

it.each([
  [[row('c', 'passing'), row('_service_maintenance:s', 'critical')], true],
  [[row('_node_maintenance', 'critical', ''), row('c', 'passing')], true],
  [[row('_service_maintenance:s', 'critical'), row('c', 'critical')], undefined],
  [
    [row('_node_maintenance', 'critical', ''), row('c', 'passing'), row('serfHealth', 'critical', '')],
    undefined,
  ],
  [[row('_service_maintenance:s', 'critical')], undefined],
  [[row('c', 'passing')], undefined],
  [[row('c', 'critical')], undefined],
])('an instance in maintenance drains if it is well: %#', (checks, drains) => {
  expect(judgeChecks(checks).drains).toBe(drains);
});

describe('discovery from the catalog', () => {
  it('tells one commit at once, with what was and what is', async () => {
    const store = open();
    const told: (readonly InstanceChange[])[] = [];
    const discovery = followCatalog({ catalog: store.catalog }, (changes) => told.push(changes));
    const put = (port: number) => (tx: Transaction) => {
      for (const id of ['a', 'b'])
        register(tx, {
          node: nodeOf('n1', '10.0.0.1'),
          service: serviceOf(id, 'web', port, ''),
          checks: [checkOf(`c-${id}`, 'warning', id)],
        });
    };
    await store.write(put(80));
    await store.write(put(80));
    await store.write(put(81));
    expect(
      told.map((changes) => changes.map(({ id, before, after }) => [id, before?.port, after?.port])),
    ).toEqual([
      [
        ['n1/a', undefined, 80],
        ['n1/b', undefined, 80],
      ],
      [
        ['n1/a', 80, 81],
        ['n1/b', 80, 81],
      ],
    ]);
    expect(told[0]?.[0]?.after).toMatchObject({ host: '10.0.0.1', weight: 1, out: 'check "c-a" is warning' });
    discovery.stop();
    await store.write((tx) => deregisterNode(tx, 'n1'));
    expect(told).toHaveLength(2);
    await store.close();
  });

  it('through any history knows what a fresh look would find, and says nothing twice', async () => {
    const node = fc.constantFrom('n1', 'N1', 'n2');
    const id = fc.constantFrom('a', 'b');
    const status = fc.constantFrom<CheckStatus>('passing', 'warning', 'critical');
    const command = fc.oneof(
      fc.record({ node, id, name: fc.constantFrom('web', 'api'), port: fc.constantFrom(80, 81), status }).map(
        ({ node, id, name, port, status }) =>
          (tx: Transaction) =>
            register(tx, {
              node: nodeOf(node, `10.0.0.${port}`),
              service: serviceOf(id, name, port, port === 80 ? '' : '127.0.0.1'),
              checks: [checkOf(`c-${id}`, status, id)],
            }),
      ),
      fc.record({ node, check: fc.constantFrom('serfHealth', '_node_maintenance', 'disk'), status }).map(
        ({ node, check, status }) =>
          (tx: Transaction) =>
            register(tx, { node: nodeOf(node, '10.0.0.9'), checks: [checkOf(check, status, '')] }),
      ),
      fc.record({ node, id, status }).map(
        ({ node, id, status }) =>
          (tx: Transaction) =>
            void updateCheck(tx, node, `c-${id}`, { status, output: '' }),
      ),
      fc.record({ node, id }).map(
        ({ node, id }) =>
          (tx: Transaction) =>
            void deregisterService(tx, node, id),
      ),
      fc.record({ node, check: fc.constantFrom('serfHealth', '_node_maintenance', 'c-a') }).map(
        ({ node, check }) =>
          (tx: Transaction) =>
            void deregisterCheck(tx, node, check),
      ),
      node.map((name) => (tx: Transaction) => void deregisterNode(tx, name)),
    );
    const byId = (all: Iterable<DiscoveredInstance>) =>
      [...all].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
        const store = open();
        const { catalog } = store;
        const seen = new Map<string, DiscoveredInstance>();
        const discovery = followCatalog({ catalog }, (changes) => {
          for (const { id, before, after } of changes) {
            expect([before?.id ?? id, after?.id ?? id]).toEqual([id, id]);
            expect(before === undefined ? undefined : seen.get(before.id)).toEqual(before);
            expect(after).not.toEqual(before);
            if (before !== undefined) seen.delete(before.id);
            if (after !== undefined) seen.set(after.id, after);
          }
        });
        for (const command of commands) await store.write(command);
        const fresh = followCatalog({ catalog }, () => {});
        expect(byId(discovery.instances())).toEqual(byId(fresh.instances()));
        expect(byId(seen.values())).toEqual(byId(fresh.instances()));
        await store.close();
      }),
      { numRuns: 200 },
    );
  });

  it('tells of nothing but what concerns the listener, and of what does so later when it is asked to reconsider', async () => {
    const store = open();
    let name = 'web';
    const told: InstanceChange[] = [];
    const discovery = followCatalog(
      { catalog: store.catalog, concerns: (service) => service.name === name },
      (changes) => told.push(...changes),
    );
    const put = (id: string, of: string) =>
      store.write((tx) =>
        register(tx, { node: nodeOf('n', '10.0.0.1'), service: serviceOf(id, of, 80, ''), checks: [] }),
      );
    await put('web-1', 'web');
    await put('db-1', 'db');
    expect(told.map(({ after }) => after?.serviceId)).toEqual(['web-1']);
    name = 'db';
    discovery.reconsider?.();
    expect(told.slice(1).map(({ before, after }) => [before?.serviceId, after?.serviceId])).toEqual([
      ['web-1', undefined],
      [undefined, 'db-1'],
    ]);
    expect([...discovery.instances()].map(({ serviceId }) => serviceId)).toEqual(['db-1']);
  });
});
