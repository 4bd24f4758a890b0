import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { soon } from '../lib/soon.test-support.ts';
import type { ChildSettings } from './child.ts';
import {
  at,
  clock,
  content,
  counted,
  KEY,
  keyTemplate,
  lines,
  run,
  runsOf,
  source,
  template,
  toBe,
  toSay,
} from './runner.test-support.ts';
import { WHOLE_ENVIRONMENT } from './settings.ts';

/** Not what has ended and was not collected yet: in a container without an init nobody does. */
function runs(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

describe('commands', () => {
  it('that hang keep no file waiting', async () => {
    // Until the end of the test takes its folder away.
    const hangs = { command: [`echo > ${at('began')}; while [ -e ${at('began')} ]; do sleep 0.02; done`] };
    run([template(keyTemplate('a'), 'one', hangs), template(keyTemplate('b'), 'two')]);
    await source.say(KEY('a'), 'a');
    await toBe('began', '\n');
    await source.say(KEY('b'), 'b');
    await toBe('two', 'b');
  });

  it('run once for all templates that changed at the same time', async () => {
    const command = counted('ran');
    run([
      template('1', 'one', { command }),
      template('2', 'two', { command }),
      template('3', 'three', { command: counted('other') }),
    ]);
    await soon(() => expect([runsOf('ran'), runsOf('other')]).toEqual([1, 1]));
  });

  it('run in the order of their templates, whichever of them changed first', async () => {
    const note = (word: string) => [`echo ${word} >> ${at('order')}`];
    run([
      template(keyTemplate('a'), 'one', { command: note('one') }),
      template(keyTemplate('b'), 'two', { command: note('two') }),
    ]);
    await soon(() => expect(source.followers.size).toBe(2));
    // Both in one tick, so that they are rendered in one turn.
    source.followers.get(KEY('b'))?.value('x');
    source.followers.get(KEY('a'))?.value('x');
    await toBe('order', 'one\ntwo\n');
  });

  it('without a limit of time are not waited for', async () => {
    const command = [`until [ -e ${at('go')} ]; do sleep 0.02; done; exit 3`];
    run([template(keyTemplate('a'), 'out', { command, commandTimeout: 0 })]);
    await source.say(KEY('a'), 'one');
    await toBe('out', 'one');
    await source.say(KEY('a'), 'two');
    await toBe('out', 'two');
    fs.writeFileSync(at('go'), '');
    await toSay(/ended with code 3/);
  });

  it('see what is said of the registry', async () => {
    const variables = { CONSUL_HTTP_ADDR: '10.0.0.1:8500' };
    run([template('x', 'out', { command: [`echo $CONSUL_HTTP_ADDR > ${at('seen')}`] })], { variables });
    await toBe('seen', '10.0.0.1:8500\n');
  });

  it('that fail or cannot be started are named with how they ended', async () => {
    run([
      template('1', 'one', { command: ['exit 3 # fails'] }),
      template('2', 'two', { command: ['/nowhere/at-all'] }),
    ]);
    await toSay(/the command "exit 3 # fails" ended with code 3/);
    await toSay(/the command "\/nowhere\/at-all" could not be started: there is no such file or directory/);
    expect([content('one'), content('two')]).toEqual(['1', '2']);
  });

  it('that never end are killed with all that they started, and what came meanwhile is rendered', async () => {
    const stuck = [`sleep 1000 & echo $! > ${at('pid')}; wait`];
    run([template(keyTemplate('a'), 'out', { command: stuck, commandTimeout: 2_000 })]);
    await source.say(KEY('a'), 'one');
    await soon(() => expect(content('pid')).toMatch(/\d+\n/));
    const pid = Number(content('pid'));
    await source.say(KEY('a'), 'two');
    await toSay(/did not end within 2s and was killed/);
    await toBe('out', 'two');
    await soon(() => expect(runs(pid)).toBe(false));
  });
});

describe('a child', () => {
  const child = (script: string, more: Partial<ChildSettings> = {}): ChildSettings => ({
    command: ['sh', '-c', script],
    environment: WHOLE_ENVIRONMENT,
    reloadSignal: 'SIGHUP',
    killSignal: 'SIGTERM',
    killTimeout: 5_000,
    splay: 0,
    ...more,
  });
  const loop = (trap: string) => `${trap} echo up >> ${at('log')}; while :; do sleep 0.02; done`;

  it('starts once all is written, is told of changes, and ends with it', async () => {
    const trap = `trap 'echo reload >> ${at('log')}' HUP; trap 'echo end >> ${at('log')}; exit 0' TERM;`;
    const runner = run([template(keyTemplate('a'), 'out')], { child: child(loop(trap)) });
    await source.say(KEY('a'), 'one');
    await toBe('log', 'up\n');
    expect(content('out')).toBe('one');
    await source.say(KEY('a'), 'two');
    await toBe('log', 'up\nreload\n');
    await runner.stop();
    expect(content('log')).toBe('up\nreload\nend\n');
  });

  it('without a reload signal is ended and started again', async () => {
    run([template(keyTemplate('a'), 'out')], {
      child: child(loop(`trap 'echo end >> ${at('log')}; exit 0' TERM;`), { reloadSignal: undefined }),
    });
    await source.say(KEY('a'), 'one');
    await toBe('log', 'up\n');
    await source.say(KEY('a'), 'two');
    await toBe('log', 'up\nend\nup\n');
  });

  it('that does not end is killed after its time', async () => {
    const runner = run([template('x', 'out')], { child: child(loop("trap '' TERM;"), { killTimeout: 100 }) });
    await toBe('log', 'up\n');
    await runner.stop();
    expect(lines.join('\n')).toMatch(/did not end within 100 ms of SIGTERM: killed/);
  });

  it('that does not end is killed with what it started, also when it is for no shell', async () => {
    const command = [
      '/bin/sh',
      '-c',
      `trap '' TERM; sleep 60 & echo $! > ${at('new')}; mv ${at('new')} ${at('pid')}; while :; do sleep 0.02; done`,
    ];
    const runner = run([template('x', 'out')], { child: child('', { command, killTimeout: 100 }) });
    await soon(() => expect(content('pid')).toMatch(/^\d+\n$/));
    const started = Number(content('pid'));
    expect(runs(started)).toBe(true);
    await runner.stop();
    await soon(() => expect(runs(started)).toBe(false));
  });

  it('that is to be told nothing goes on as it is', async () => {
    run([template(keyTemplate('a'), 'out', { command: counted('ran') })], {
      child: child(loop(''), { reloadSignal: 'none' }),
    });
    await source.say(KEY('a'), 'one');
    await toBe('log', 'up\n');
    await source.say(KEY('a'), 'two');
    await soon(() => expect(runsOf('ran')).toBe(2));
    expect(content('log')).toBe('up\n');
  });

  it('is told once of all that changes before it is told', async () => {
    const trap = `trap 'echo reload >> ${at('log')}' HUP; trap 'echo end >> ${at('log')}; exit 0' TERM;`;
    const runner = run([template(keyTemplate('a'), 'out')], { child: child(loop(trap), { splay: 60_000 }) });
    await source.say(KEY('a'), 'one');
    await toBe('log', 'up\n');
    for (const [at, value] of ['two', 'three', 'four'].entries()) {
      await source.say(KEY('a'), value);
      // No command runs in between: the child is told in the turn in which its file is counted.
      await soon(() => expect(runner.reports()[0]?.writes).toBe(at + 2));
    }
    clock.advance(60_000);
    await toBe('log', 'up\nreload\n');
    clock.advance(60_000);
    // Whatever else were to be told is.
    await new Promise((resolve) => setImmediate(resolve));
    await runner.stop();
    expect(content('log')).toBe('up\nreload\nend\n');
  });

  it('is ended at once, even where changes wait for a random time', async () => {
    const trap = `trap 'echo end >> ${at('log')}; exit 0' TERM;`;
    const runner = run([template(keyTemplate('a'), 'out', { command: counted('ran') })], {
      child: child(loop(trap), { reloadSignal: undefined, splay: 60_000 }),
    });
    await source.say(KEY('a'), 'one');
    await toBe('log', 'up\n');
    await source.say(KEY('a'), 'two');
    await soon(() => expect(runsOf('ran')).toBe(2));
    // The clock of the test stands still: the splay is never over.
    await runner.stop();
    expect(content('log')).toBe('up\nend\n');
  });

  it('that is sent its own kill signal has no longer than at the end', async () => {
    const runner = run([template('x', 'out')], { child: child(loop("trap '' TERM;"), { killTimeout: 100 }) });
    await toBe('log', 'up\n');
    expect(runner.signal('SIGTERM')).toBe(true);
    expect(await runner.ended).toEqual({ kind: 'child', code: 128 + 9 });
  });

  it('sees what is said of the registry, and runs without a template too', async () => {
    const script = `echo $CONSUL_HTTP_ADDR > ${at('seen')}`;
    const runner = run([], { child: child(script), variables: { CONSUL_HTTP_ADDR: '10.0.0.1:8500' } });
    expect(await runner.ended).toEqual({ kind: 'child', code: 0 });
    expect(content('seen')).toBe('10.0.0.1:8500\n');
  });

  it('that cannot be started is a failure, not a code', async () => {
    const runner = run([template('x', 'out')], { child: child('', { command: ['/nowhere/at-all'] }) });
    expect(await runner.ended).toMatchObject({
      kind: 'failed',
      message: 'cannot start /nowhere/at-all: there is no such file or directory',
    });
  });

  it('that ends by itself ends the runner with its code', async () => {
    const runner = run([template('x', 'out')], { child: child('exit 7') });
    expect(await runner.ended).toEqual({ kind: 'child', code: 7 });
  });
});
