import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { setQuery } from '../commands/query.ts';
import type { PreparedQuery } from '../rows.ts';
import { type Draft, Transaction } from '../transaction.ts';
import { queryDraft } from './fixtures.test-support.ts';
import { resolveQuery } from './resolve.ts';
import { NAME_PREFIX_MATCH } from './template.ts';

const id = (n: number) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;

function catalogOf(drafts: readonly Draft<PreparedQuery>[]): Catalog {
  const catalog = new Catalog((error) => {
    throw error;
  });
  const tx = new Transaction(catalog, 1, 0);
  for (const draft of drafts) setQuery(tx, draft);
  if (drafts.length > 0) catalog.apply(1, tx.writes());
  return catalog;
}

const query = (n: number, name: string) => queryDraft({ id: id(n), name });
const template = (n: number, name: string, service = `\${name.full}`) =>
  queryDraft({ id: id(n), name, template: { type: NAME_PREFIX_MATCH }, service: { service } });

describe('what a prepared query is asked by', () => {
  const catalog = catalogOf([query(1, 'web'), template(2, 'we'), template(3, '')]);

  it.each([
    ['its ID', id(1), id(1)],
    ['its name, in any case', 'WEB', id(1)],
    ['the name of a template', 'we', id(2)],
    ['the longest prefix', 'Weather', id(2)],
    ['any name, where a template has none', 'other', id(3)],
    ['an ID that nobody has, which is a name then', id(9), id(3)],
  ])('%s', (_, asked, expected) => {
    expect(resolveQuery(catalog, asked)?.id).toBe(expected);
  });

  it('renders a template for the name as it was asked for', () => {
    expect(resolveQuery(catalog, 'Weather')?.service.service).toBe('Weather');
  });

  it('not the ID of a template', () => {
    expect(() => resolveQuery(catalog, id(2))).toThrow(
      'prepared query templates can only be resolved up by name, not by ID',
    );
  });

  it('not a name longer than any that is meant', () => {
    expect(resolveQuery(catalog, 'x'.repeat(512))?.id).toBe(id(3));
    expect(resolveQuery(catalog, 'x'.repeat(513))).toBeUndefined();
  });

  it('not nothing', () => {
    expect(() => resolveQuery(catalog, '')).toThrow('Missing Query ID');
    expect(resolveQuery(catalogOf([query(1, 'web')]), 'webs')).toBeUndefined();
  });

  it('the longest prefix is the one that a look through all of them finds', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '-'), maxLength: 6 });
    const named = fc.record({ name, isTemplate: fc.boolean() });
    fc.assert(
      fc.property(
        fc.uniqueArray(named, { selector: ({ name: one }) => one.toLowerCase(), maxLength: 8 }),
        name.filter((one) => one !== ''),
        (queries, asked) => {
          const known = queries.filter(({ name: one, isTemplate }) => isTemplate || one !== '');
          const all = known.map((one, n) => (one.isTemplate ? template(n, one.name) : query(n, one.name)));
          const folded = asked.toLowerCase();
          const fitting = all.filter((one) =>
            one.template.type === ''
              ? one.name.toLowerCase() === folded
              : folded.startsWith(one.name.toLowerCase()),
          );
          const longest = fitting.sort((a, b) => b.name.length - a.name.length)[0];
          expect(resolveQuery(catalogOf(all), asked)?.id).toBe(longest?.id);
        },
      ),
    );
  });
});
