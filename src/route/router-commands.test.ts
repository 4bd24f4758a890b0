import { describe, expect, it } from 'vitest';
import { createLogger, type LogLine } from '../lib/log.ts';
import { start, write } from './router.test-support.ts';

const commands = (text: string) => [{ name: '', text }];

describe('what people tell a router', () => {
  it('route commands add, take out and weigh, in their order; a bad line is told and stops only itself', async () => {
    const { store, router, asked } = start();
    await write(
      store,
      { id: 'a', tags: ['urlprefix-m.test/', 'blue'], name: 'one' },
      { id: 'b', tags: ['urlprefix-m.test/', 'green'], name: 'two' },
    );
    router.setCommands(
      commands('route del tags "blue"\nroute nonsense\nroute add man M.test/x http://10.0.0.9:81/?k=v'),
    );
    expect(asked('m.test', '/', 4)).toEqual(['node-b/b', 'node-b/b', 'node-b/b', 'node-b/b']);
    expect(asked('m.test', '/x')).toEqual(['command/man M.test/x 10.0.0.9:81']);
    expect(router.problems()).toEqual([
      {
        service: '',
        instance: '',
        tag: 'route nonsense',
        reason: expect.stringMatching(/^line 2 .*route add/),
      },
    ]);
    router.setCommands(
      commands(
        'route add man m.test/x http://10.0.0.9:81/\nroute del man\nroute weight one m.test/ weight 0.25',
      ),
    );
    expect(asked('m.test', '/x')).toEqual(expect.arrayContaining([expect.stringMatching(/^node/)]));
    expect(asked('m.test', '/', 8).filter((id) => id === 'node-a/a')).toHaveLength(2);
    router.setCommands(commands(''));
    expect(asked('m.test', '/', 8).filter((id) => id === 'node-a/a')).toHaveLength(4);
    expect(router.problems()).toEqual([]);
  });

  it('destinations are listed and named as they were written', () => {
    const { router, asked } = start();
    const add = (destination: string) => `route add man m.test/ ${destination}`;
    const written = ['http://10.0.0.9/', 'http://10.0.0.8/a/b?k=v'];
    router.setCommands(commands(written.map(add).join('\n')));
    expect(router.routes().flatMap(({ targets }) => targets.map(({ url }) => url))).toEqual(written);
    router.setCommands(commands(`${written.map(add).join('\n')}\nroute del man m.test/ ${written[0]}`));
    expect(asked('m.test', '/', 2)).toEqual(Array(2).fill('command/man m.test/ 10.0.0.8:80'));
  });

  it('tells of each tag and command whose auth= names no scheme, and takes it back when there is one', async () => {
    const lines: LogLine[] = [];
    const log = createLogger({ level: 'warn', sink: (line) => lines.push(line) });
    const { store, router, asked } = start({ log, authSchemes: ['team'] });
    const tag = 'urlprefix-/a auth=staff';
    await write(
      store,
      { id: 'a', tags: [tag] },
      { id: 'b', tags: ['urlprefix-/b auth=team', 'urlprefix-/c'] },
    );
    router.setCommands(commands('route add man /m http://10.0.0.9:81/ opts "auth=nobody"'));
    const reason = expect.stringMatching(/^auth=staff: .*closed/);
    expect(router.problems()).toEqual([
      { service: 'web', instance: 'node-a/a', tag, reason },
      expect.objectContaining({ service: 'man', reason: expect.stringMatching(/^auth=nobody: /) }),
    ]);
    expect(lines.map(({ fields }) => fields.instance)).toEqual(['node-a/a', 'command/man /m 10.0.0.9:81']);
    // It keeps its place: the next best route would let everybody in.
    expect(asked('', '/a')).toEqual(['node-a/a']);

    router.setAuthSchemes(['staff', 'nobody']);
    expect(router.problems()).toEqual([
      expect.objectContaining({ instance: 'node-b/b', reason: expect.stringMatching(/^auth=team: /) }),
    ]);
    router.setAuthSchemes(['staff', 'nobody', 'team']);
    expect(router.problems()).toEqual([]);
    expect(asked('', '/a')).toEqual(['node-a/a']);
  });
});
