import { describe, expect, it } from 'vitest';
import { deregisterCheck, register } from '../catalog/commands/register.ts';
import type { CheckStatus } from '../catalog/rows.ts';
import type { PassingRule } from '../discovery/passing.ts';
import { check, nodeCheck, start, write } from './router.test-support.ts';

describe('the health of instances, to a router', () => {
  it.each<{ what: string; checks: CheckStatus[]; rule?: PassingRule; isIn: boolean }>([
    { what: 'one passing check is enough', checks: ['passing', 'critical'], isIn: true },
    { what: 'a warning does not pass', checks: ['warning'], isIn: false },
    { what: 'no check at all does not pass', checks: [], isIn: false },
    {
      what: 'with "all" every check must pass',
      checks: ['passing', 'warning'],
      rule: { statuses: ['passing'], checksRequired: 'all' },
      isIn: false,
    },
    {
      what: 'a warning passes where it is said to',
      checks: ['warning'],
      rule: { statuses: ['passing', 'warning'], checksRequired: 'one' },
      isIn: true,
    },
  ])('health: $what', async ({ checks, rule, isIn }) => {
    const { store, asked } = start({}, rule);
    await write(store, { id: 'a', tags: ['urlprefix-/'], checks });
    expect(asked('h', '/')).toEqual([isIn ? 'node-a/a' : 'no route']);
  });

  it.each(['_node_maintenance', 'serfHealth'])('health: node check %s takes the node out', async (id) => {
    const { store, asked, router } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    await nodeCheck(store, 'node-a', id, 'critical');
    expect(asked('h', '/')).toEqual(['no route']);
    expect(router.explain('h', '/').passedOver[0]?.reason).toMatch(/node-a\/a: .*node/);
    await store.write((tx) => deregisterCheck(tx, 'node-a', id));
    expect(asked('h', '/')).toEqual(['node-a/a']);
  });

  it('health: maintenance of an instance takes it out though its checks pass', async () => {
    const { store, asked } = start();
    await write(store, { id: 'a', tags: ['urlprefix-/'] });
    await store.write((tx) =>
      register(tx, {
        node: { id: '', name: 'node-a', address: '', datacenter: '', taggedAddresses: null, meta: null },
        skipNodeUpdate: true,
        checks: [check('_service_maintenance:a', 'critical', 'a')],
      }),
    );
    expect(asked('h', '/')).toEqual(['no route']);
  });
});
