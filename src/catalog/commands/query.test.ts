import { beforeEach, describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import { queryDraft } from '../prepared-query/fixtures.test-support.ts';
import { deleteQuery, setQuery } from './query.ts';
import { register } from './register.ts';
import { createSession, destroySession } from './session.ts';

const other = '99999999-2222-3333-4444-555555555555';
const session = 'aaaaaaaa-2222-3333-4444-555555555555';
const template = { type: 'name_prefix_match' };

let store: Store;
beforeEach(() => {
  store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
});

describe('prepared queries in the catalog', () => {
  it('keep their create index when they are replaced', async () => {
    await store.write((tx) => setQuery(tx, queryDraft()));
    await store.write((tx) => setQuery(tx, queryDraft({ name: 'r' })));
    const [row] = store.catalog.all('queries');
    expect(row).toMatchObject({ name: 'r', createIndex: 1, modifyIndex: 2 });
    expect(store.catalog.indexOf('queries')).toBe(2);
    expect(store.catalog.list('queries', 'name', 'q')).toEqual([]);
  });

  it.each([
    [
      'a name that another has in another case',
      queryDraft({ id: other, name: 'Q' }),
      "name 'Q' aliases an existing query name",
    ],
    [
      'the ID of another as name',
      queryDraft({ id: other, name: queryDraft().id }),
      `name '${queryDraft().id}' aliases an existing query ID`,
    ],
    ['a session that is not there', queryDraft({ name: 'r', session: other }), `invalid session "${other}"`],
    [
      'a session that cannot be one',
      queryDraft({ name: 'r', session: 'x' }),
      'invalid session: index error: UUID must be 36 characters',
    ],
    [
      'a bad template',
      queryDraft({ name: 'r', template: { type: 'x' } }),
      "failed compiling template: Bad Template.Type 'x'",
    ],
  ])('are refused with %s', async (_, draft, message) => {
    await store.write((tx) => setQuery(tx, queryDraft()));
    await expect(store.write((tx) => setQuery(tx, draft))).rejects.toThrow(message);
    expect(store.catalog.count('queries')).toBe(1);
  });

  it('have one template without a name', async () => {
    await store.write((tx) => setQuery(tx, queryDraft({ name: '', template })));
    await store.write((tx) => setQuery(tx, queryDraft({ name: '', template, token: 't' })));
    await expect(
      store.write((tx) => setQuery(tx, queryDraft({ id: other, name: '', template }))),
    ).rejects.toThrow('a query template with an empty name already exists');
  });

  it('end with their session, in the same commit', async () => {
    const node = {
      id: '',
      name: 'n',
      address: '10.0.0.1',
      datacenter: 'dc1',
      taggedAddresses: null,
      meta: null,
    };
    await store.write((tx) => register(tx, { node }));
    await store.write((tx) =>
      createSession(tx, {
        id: session,
        name: '',
        node: 'n',
        nodeChecks: [],
        checks: [],
        serviceChecks: [],
        behavior: 'release',
        ttl: '',
        lockDelay: 0,
      }),
    );
    await store.write((tx) => setQuery(tx, queryDraft({ name: '', session: session.toUpperCase() })));
    await store.write((tx) => setQuery(tx, queryDraft({ id: other, name: 'stays' })));
    const tables: string[] = [];
    store.catalog.feed.subscribe(({ changes }) => tables.push(changes.map(({ table }) => table).join()));
    await store.write((tx) => destroySession(tx, session));
    expect(tables).toEqual(['sessions,queries']);
    expect(store.catalog.all('queries').map(({ id }) => id)).toEqual([other]);
  });

  it('are deleted once', async () => {
    await store.write((tx) => setQuery(tx, queryDraft()));
    expect((await store.write((tx) => deleteQuery(tx, queryDraft().id))).answer).toBe(true);
    expect((await store.write((tx) => deleteQuery(tx, queryDraft().id))).answer).toBe(false);
  });
});
