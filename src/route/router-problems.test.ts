import { describe, expect, it } from 'vitest';
import { deregisterService, updateCheck } from '../catalog/commands/register.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import { type Given, start, write } from './router.test-support.ts';

describe('what is wrong with tags, to a router', () => {
  it('a bad tag is reported with its place and stops neither its instance nor others', async () => {
    const { store, asked, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-', 'urlprefix-/a weight=much', 'urlprefix-[.test/'] },
      { id: 'b', tags: ['urlprefix-/b', 'urlprefix-:99 proto=http'], port: 81 },
      { id: 'c', tags: ['urlprefix-/c'], port: 0 },
    );
    expect(asked('h', '/a')).toEqual(['node-a/a']);
    expect(asked('h', '/b')).toEqual(['node-b/b']);
    expect(router.problems().map(({ instance, tag }) => [instance, tag])).toEqual([
      ['node-a/a', 'urlprefix-'],
      ['node-a/a', 'urlprefix-[.test/'],
      ['node-a/a', 'urlprefix-/a weight=much'],
      ['node-b/b', 'urlprefix-:99 proto=http'],
      ['node-c/c', 'urlprefix-/c'],
    ]);
    expect(router.problems()).toBe(router.problems());
    await write(store, { id: 'a', tags: ['urlprefix-/a'] });
    expect(router.problems().map(({ instance }) => instance)).toEqual(['node-b/b', 'node-c/c']);
  });

  it('says what is wrong once, however many instances have it', async () => {
    const lines: string[] = [];
    const sink = ({ fields }: LogLine) => lines.push(String(fields.reason));
    const { store } = start({ log: createLogger({ level: 'info', sink }) });
    const bad = ['a', 'b', 'c'].map((id): Given => ({ id, tags: ['urlprefix-/ weight=much'] }));
    await write(store, ...bad);
    await store.write((tx) => updateCheck(tx, 'node-a', 'c0-a', { status: 'critical', output: '' }));
    await store.write((tx) => deregisterService(tx, 'node-b', 'b'));
    await write(store, bad[1] as Given);
    expect(lines).toEqual([expect.stringMatching(/weight=much is ignored/)]);
    for (const { id } of bad) await store.write((tx) => deregisterService(tx, `node-${id}`, id));
    await write(store, bad[0] as Given);
    expect(lines).toHaveLength(2);
  });

  it('a route with a rule that cannot be read stays closed, also against wider routes; a TCP route is none for HTTP', async () => {
    const { store, asked, router } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-/', 'urlprefix-/admin allow=10.0.0.0/8'] },
      { id: 'tcp', tags: ['urlprefix-s.test/ proto=tcp'] },
    );
    expect(asked('h', '/x')).toEqual(['node-a/a']);
    const [closed] = router.snapshot().changed.filter(({ id }) => id === '/admin');
    expect(closed?.handlings).toMatchObject([{ access: { closed: true } }]);
    expect(asked('s.test', '/')).toEqual(['node-a/a']);
  });
});
