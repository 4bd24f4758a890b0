import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deregisterService } from '../catalog/commands/register.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { start, write } from './router.test-support.ts';
import type { Router } from './router.ts';

/** An instance with tags, or without any: it leaves. `isRead`: the list is asked for after it. */
const change = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  tags: fc.uniqueArray(
    fc.constantFrom(
      'urlprefix-/',
      'urlprefix-/a',
      'urlprefix-/a/b',
      'urlprefix-h/a',
      'urlprefix-h/',
      'urlprefix-:81 proto=tcp',
    ),
    { maxLength: 3 },
  ),
  isRead: fc.boolean(),
});

const told = (router: Router) =>
  router
    .routes()
    .map(({ kind, host, path, targets }) => [
      kind,
      host,
      path,
      ...targets.map(({ instance, tags }) => `${instance} ${tags}`).sort(),
    ]);

it('is what a list made anew is, whenever it is asked for', () =>
  fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
      const { router, store } = start();
      for (const { id, tags, isRead } of changes) {
        if (tags.length > 0) await write(store, { id, tags });
        else await store.write((tx) => deregisterService(tx, `node-${id}`, id));
        if (isRead) expect(router.routes()).toBe(router.routes());
      }
      const anew = start({ discover: (listener) => followCatalog({ catalog: store.catalog }, listener) });
      expect(told(router)).toEqual(told(anew.router));
    }),
    { numRuns: 150 },
  ));
