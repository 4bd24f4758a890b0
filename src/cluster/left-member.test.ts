import { expect, it } from 'vitest';
import { forgetLeft, leftMembers, noteLeft, outlivedLeft } from '../catalog/commands/left-member.ts';
import { deregisterNode, register } from '../catalog/commands/register.ts';
import { checkRow, NODE } from '../catalog/rows.test-support.ts';
import { MEMBER_CHECK } from '../catalog/rows.ts';
import { openMemoryStore } from '../store/memory.ts';

const ID = '00000000-0000-4000-8000-000000000001';

async function withMember(name: string) {
  const store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  const join = (as: string) =>
    store.write((tx) =>
      register(tx, { node: { ...NODE, id: ID, name: as }, checks: [checkRow(MEMBER_CHECK)] }),
    );
  const leave = (as: string) =>
    store.write((tx) => {
      noteLeft(tx, as);
      deregisterNode(tx, as);
    });
  await join(name);
  return { store, join, leave, names: () => leftMembers(store.catalog).map((one) => one.name) };
}

it('a node that left is shown with what it was, until it is reaped', async () => {
  const { store, leave, names } = await withMember('Web-1');
  expect(names()).toEqual([]);
  await leave('web-1');
  const [left] = leftMembers(store.catalog);
  expect(left).toMatchObject({ id: ID, name: 'Web-1', address: '10.0.0.1', isServer: false });
  expect(outlivedLeft(store.catalog, left!.at)).toEqual([]);
  expect(outlivedLeft(store.catalog, left!.at + 1)).toEqual(['Web-1']);
  expect((await store.write((tx) => forgetLeft(tx, 'WEB-1'))).answer).toBe(true);
  expect(names()).toEqual([]);
});

it.each(['web-1', 'web-2'])('is not shown once it is back as %s', async (as) => {
  const { store, join, leave, names } = await withMember('web-1');
  await leave('web-1');
  expect(names()).toEqual(['web-1']);
  await join(as);
  expect(names()).toEqual([]);
  expect(outlivedLeft(store.catalog, 0)).toEqual(['web-1']);
});

it('a node without an agent is no member that could leave', async () => {
  const { store, names } = await withMember('web-1');
  await store.write((tx) => register(tx, { node: { ...NODE, name: 'far' } }));
  await store.write((tx) => noteLeft(tx, 'far'));
  await store.write((tx) => deregisterNode(tx, 'far'));
  expect(names()).toEqual([]);
});
