import { beforeEach, describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { queryDraft } from '../prepared-query/fixtures.test-support.ts';
import { Transaction } from '../transaction.ts';
import { deleteQuery, setQuery } from './query.ts';
import { register } from './register.ts';
import { createSession, destroySession } from './session.ts';

const other = '99999999-2222-3333-4444-555555555555';
const session = 'aaaaaaaa-2222-3333-4444-555555555555';
const template = { type: 'name_prefix_match' };

let catalog: Catalog;
beforeEach(() => {
  catalog = new Catalog((error) => {
    throw error;
  });
});

/** One commit. */
function write<T>(command: (tx: Transaction) => T): T {
  const tx = new Transaction(catalog, catalog.index + 1, 0);
  const answer = command(tx);
  if (!tx.isEmpty) catalog.apply(tx.index, tx.writes());
  return answer;
}

describe('prepared queries in the catalog', () => {
  it('keep their create index when they are replaced', () => {
    write((tx) => setQuery(tx, queryDraft()));
    write((tx) => setQuery(tx, queryDraft({ name: 'r' })));
    const [row] = catalog.all('queries');
    expect(row).toMatchObject({ name: 'r', createIndex: 1, modifyIndex: 2 });
    expect(catalog.indexOf('queries')).toBe(2);
    expect(catalog.list('queries', 'name', 'q')).toEqual([]);
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
  ])('are refused with %s', (_, draft, message) => {
    write((tx) => setQuery(tx, queryDraft()));
    expect(() => write((tx) => setQuery(tx, draft))).toThrow(message);
    expect(catalog.count('queries')).toBe(1);
  });

  it('have one template without a name', () => {
    write((tx) => setQuery(tx, queryDraft({ name: '', template })));
    write((tx) => setQuery(tx, queryDraft({ name: '', template, token: 't' })));
    expect(() => write((tx) => setQuery(tx, queryDraft({ id: other, name: '', template })))).toThrow(
      'a query template with an empty name already exists',
    );
  });

  it('end with their session, in the same commit', () => {
    const node = {
      id: '',
      name: 'n',
      address: '10.0.0.1',
      datacenter: 'dc1',
      taggedAddresses: null,
      meta: null,
    };
    write((tx) => register(tx, { node }));
    write((tx) =>
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
    write((tx) => setQuery(tx, queryDraft({ name: '', session: session.toUpperCase() })));
    write((tx) => setQuery(tx, queryDraft({ id: other, name: 'stays' })));
    const tables: string[] = [];
    catalog.feed.subscribe(({ changes }) => tables.push(changes.map(({ table }) => table).join()));
    write((tx) => destroySession(tx, session));
    expect(tables).toEqual(['sessions,queries']);
    expect(catalog.all('queries').map(({ id }) => id)).toEqual([other]);
  });

  it('are deleted once', () => {
    write((tx) => setQuery(tx, queryDraft()));
    expect(write((tx) => deleteQuery(tx, queryDraft().id))).toBe(true);
    expect(write((tx) => deleteQuery(tx, queryDraft().id))).toBe(false);
  });
});
