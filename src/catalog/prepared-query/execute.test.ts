import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.ts';
import { register } from '../commands/register.ts';
import type { CheckStatus, QueriedService } from '../rows.ts';
import { Transaction } from '../transaction.ts';
import { executeQuery, fitsTags } from './execute.ts';
import { queryDraft } from './fixtures.test-support.ts';

const catalog = new Catalog((error) => {
  throw error;
});
beforeAll(() => {
  const tx = new Transaction(catalog, 1, 0);
  const instance = (name: string, status: CheckStatus, tags: string[], zone: string) =>
    register(tx, {
      node: { id: '', name, address: '10.0.0.1', datacenter: 'dc1', taggedAddresses: null, meta: { zone } },
      service: {
        id: 'web',
        name: 'web',
        kind: '',
        tags,
        address: '',
        taggedAddresses: null,
        meta: { of: name },
        port: 80,
        socketPath: '',
        weights: { passing: 1, warning: 1 },
        enableTagOverride: false,
      },
      checks: [
        {
          id: 'c',
          name: 'c',
          status,
          notes: '',
          output: '',
          serviceId: 'web',
          type: '',
          interval: '',
          timeout: '',
          definition: {},
        },
      ],
    });
  instance('a', 'passing', ['X', 'y'], '1');
  instance('b', 'warning', ['x', 'z'], '1');
  instance('c', 'critical', ['x'], '2');
  catalog.apply(1, tx.writes());
});

describe('a prepared query', () => {
  it.each<[string, Partial<QueriedService>, string]>([
    ['leaves critical instances out', {}, 'ab'],
    ['only passing ones', { onlyPassing: true }, 'a'],
    ['but for checks that do not count', { onlyPassing: true, ignoreCheckIds: ['c'] }, 'abc'],
    ['with tags, in any case', { tags: ['x', 'Y'] }, 'a'],
    ['without tags', { tags: ['x', '!Z'] }, 'a'],
    ['by metadata of the node', { nodeMeta: { zone: '2' }, ignoreCheckIds: ['c'] }, 'c'],
    ['by metadata of the instance', { serviceMeta: { of: 'b' } }, 'b'],
    ['not by what objects inherit', { serviceMeta: { constructor: '' } }, ''],
    ['of a mesh that is not there', { connect: true }, ''],
    ['of a service in another case', { service: 'WEB' }, 'ab'],
    ['of a service that is not there', { service: 'none' }, ''],
  ])('%s', (_, service, expected) => {
    const found = executeQuery(catalog, queryDraft({ service }));
    expect(found.map(({ node }) => node.name).join('')).toBe(expected);
  });

  it('a wanted and an unwanted tag exclude each other', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'B', 'c')), fc.constantFrom('A', 'b', 'd'), (tags, tag) => {
        expect(fitsTags(tags, [tag])).toBe(!fitsTags(tags, [`!${tag}`]));
        expect(fitsTags(tags, [tag, `!${tag}`])).toBe(false);
      }),
    );
  });
});
