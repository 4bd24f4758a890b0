import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { soon } from '../lib/soon.test-support.ts';
import { testInstance } from './dependencies/values.test-support.ts';
import { HealthService, listOf } from './dependencies/values.ts';
import {
  at,
  clock,
  content,
  counted,
  folder,
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

describe('files', () => {
  it('are written once everything that the template needs is known', async () => {
    run([template(`${keyTemplate('a')} ${keyTemplate('b')}`, 'out')]);
    await source.say(KEY('a'), 'one');
    await toSay(/waits for kv.block\(b\)/);
    expect(fs.existsSync(at('out'))).toBe(false);
    await source.say(KEY('b'), 'two');
    await toBe('out', 'one two');
  });

  it('are made of the bytes of their templates, also where those are no UTF-8', async () => {
    fs.writeFileSync(at('in'), Buffer.from('caf\xe9 {{ "\\u00e9" }}', 'latin1'));
    run([template('', 'out', { source: at('in'), contents: undefined })]);
    await toBe('out', 'caf\ufffd é');
    expect(fs.readFileSync(at('out')).toString('latin1')).toBe('caf\xe9 \xc3\xa9');
  });

  it('say what is in the environment, and what is said of the registry', async () => {
    const text = '{{ env "A" }} {{ env "CONSUL_HTTP_ADDR" }} {{ env "toString" }}';
    const variables = { CONSUL_HTTP_ADDR: 'said' };
    run([template(text, 'out')], { environment: { A: 'one', CONSUL_HTTP_ADDR: 'theirs' }, variables });
    await toBe('out', 'one said ');
  });

  it('are told of with how often, when and how long, and what failed', async () => {
    const runner = run([
      template(keyTemplate('a'), 'out'),
      template(keyTemplate('later'), 'later'),
      template('{{ wrong', 'none'),
    ]);
    clock.advance(5_000);
    await source.say(KEY('a'), 'one');
    await toBe('out', 'one');
    await source.say(KEY('a'), 'two');
    await toBe('out', 'two');
    await source.fail(KEY('later'), 'away');
    // The file is there a moment before it is counted.
    await soon(() => expect(runner.reports()[0]).toMatchObject({ renders: 2, writes: 2 }));
    const [out, later, none] = runner.reports();
    expect(out).toMatchObject({ isUpToDate: true, errors: 0, renderedAt: 5_000 });
    expect(out?.milliseconds).toBeGreaterThan(0);
    expect(later).toMatchObject({ isUpToDate: false, renders: 0, renderedAt: undefined });
    expect(none).toMatchObject({ isUpToDate: false, renders: 0, errors: 1 });
    expect(runner.sourceErrors).toBe(1);
    // What is counted goes on when the configuration is read again, and ends with its template.
    runner.reload([template(keyTemplate('a'), 'out')]);
    await soon(() => expect(runner.reports()).toMatchObject([{ renders: 3, writes: 2 }]));
  });

  it('are left alone when the bytes are the same, and their command does not run', async () => {
    run([template('{{key "a" | len}}', 'out', { command: counted('ran') })]);
    await source.say(KEY('a'), 'one');
    await toBe('out', '3');
    await soon(() => expect(runsOf('ran')).toBe(1));
    const { ino } = fs.statSync(at('out'));
    await source.say(KEY('a'), 'two');
    await source.say(KEY('a'), 'four');
    await toBe('out', '4');
    await soon(() => expect(runsOf('ran')).toBe(2));
    await source.say(KEY('a'), 'five');
    // Whoever waits for this one knows that the change before it was seen too.
    run([template(keyTemplate('b'), 'other')]);
    await source.say(KEY('b'), 'seen');
    await toBe('other', 'seen');
    expect(runsOf('ran')).toBe(2);
    expect(fs.statSync(at('out')).ino).not.toBe(ino);
  });

  it('stay as they are while the registry is away, and follow when it is back', async () => {
    run([template(keyTemplate('a'), 'out')]);
    await source.say(KEY('a'), 'one');
    await toBe('out', 'one');
    await source.fail(KEY('a'), 'connection refused');
    await toSay(/warn kv.block\(a\): connection refused \(attempt 1; the next one in 1s\)/);
    expect(content('out')).toBe('one');
    await source.say(KEY('a'), 'two');
    await toSay(/info kv.block\(a\) is answered again/);
    await toBe('out', 'two');
  });

  it('are written once a value that they failed over is another one, also after a reload', async () => {
    const bad = template('{{ (key "a" | parseJSON).b }}', 'out');
    const runner = run([bad, template(keyTemplate('a'), 'other')]);
    const failed = (count: number) => soon(() => expect(runner.reports()[0]?.errors).toBe(count));
    await source.say(KEY('a'), '{');
    await failed(1);
    // Here it is known from the beginning.
    runner.reload([bad]);
    await failed(2);
    await source.say(KEY('a'), '{"b": "right"}');
    await toBe('out', 'right');
  });

  it('are written as soon as they can be, and it is told once that they cannot', async () => {
    const runner = run([template(keyTemplate('a'), 'gone/out', { createDestDirs: false })]);
    const errors = (count: number) => soon(() => expect(runner.reports()).toMatchObject([{ errors: count }]));
    fs.mkdirSync(at('gone'));
    await source.say(KEY('a'), 'one');
    await toBe('gone/out', 'one');
    fs.rmSync(at('gone'), { recursive: true });
    await source.say(KEY('a'), 'two');
    await errors(1);
    clock.advance(1_000);
    await errors(2);
    fs.mkdirSync(at('gone'));
    clock.advance(2_000);
    await toBe('gone/out', 'two');
    expect(lines.filter((line) => line.includes('there is no folder'))).toHaveLength(1);
  });

  it('stay as they are when fewer instances are left than min_entries', async () => {
    const list = (count: number) =>
      listOf(
        HealthService,
        Array.from({ length: count }, (_, i) => testInstance(i, 8000 + i)),
      );
    run([template('{{range service "web"}}{{.ID}} {{end}}', 'out', { minEntries: 1 })]);
    await source.say('health.service(web|passing)', list(2));
    await toBe('out', 'web-0 web-1 ');
    await source.say('health.service(web|passing)', list(0));
    await toSay(/waits for health.service\(web\|passing\)/);
    expect(content('out')).toBe('web-0 web-1 ');
    await source.say('health.service(web|passing)', list(1));
    await toBe('out', 'web-0 ');
  });

  it('are not replaced by what their check refuses', async () => {
    run([template(keyTemplate('a'), 'out', { check: 'grep -q good {}' })]);
    await source.say(KEY('a'), 'good');
    await toBe('out', 'good');
    await source.say(KEY('a'), 'bad');
    await toSay(/error \(contents of .*out\): the check "grep -q good {}" refused what would become .*out/);
    expect(content('out')).toBe('good');
    expect(fs.readdirSync(folder)).toEqual(['out']);
  });

  it('can be printed instead', async () => {
    const printed: string[] = [];
    const runner = run([template(keyTemplate('a'), 'out')], {
      print: (text) => printed.push(text),
      once: true,
    });
    await source.say(KEY('a'), 'one');
    expect(await runner.ended).toEqual({ kind: 'done' });
    expect(printed).toEqual([`> ${at('out')}\none`]);
    expect(fs.existsSync(at('out'))).toBe(false);
  });
});

describe("a template's trouble", () => {
  it('is its own: the others go on', async () => {
    fs.writeFileSync(at('file'), '');
    const failing = [
      template('{{if}}', 'a'),
      template('{{index (split "," "x") 7}}', 'b'),
      // Below a file there can be no folder, whoever one is.
      template('text', 'file/c'),
    ];
    run([...failing, template('well', 'out')]);
    await toBe('out', 'well');
    const said = lines.join('\n');
    expect(said).toMatch(/error \(contents of .*a\): parse: template: .*:1: missing value for if/);
    expect(said).toMatch(
      /error \(contents of .*b\): execute: template: .*:1:2: executing .* index out of range/,
    );
    expect(said).toMatch(/error \(contents of .*c\): cannot write .*file\/c: /);
    expect(fs.readdirSync(folder).sort()).toEqual(['file', 'out']);
  });

  it('leaves what was rendered last', async () => {
    run([template('{{index (split "," (key "a")) 1}}', 'out')]);
    await source.say(KEY('a'), 'x,one');
    await toBe('out', 'one');
    await source.say(KEY('a'), 'x');
    await toSay(/execute: .*index out of range/);
    expect(content('out')).toBe('one');
    await source.say(KEY('a'), 'x,two');
    await toBe('out', 'two');
  });

  it('ends the program when that was asked for', async () => {
    const runner = run([template('{{index (split "," "x") 7}}', 'out', { errorFatal: true })]);
    expect(await runner.ended).toMatchObject({ kind: 'failed', message: /index out of range/ });
  });

  it('does not undo what stood before a reload', async () => {
    const runner = run([template(keyTemplate('a'), 'out')]);
    await source.say(KEY('a'), 'one');
    await toBe('out', 'one');
    runner.reload([template('{{if}}', 'out')]);
    await toSay(/parse: /);
    await source.say(KEY('a'), 'two');
    await toBe('out', 'two');
    runner.reload([template('{{key "b"}}!', 'out')]);
    await source.say(KEY('b'), 'three');
    await toBe('out', 'three!');
    // What nobody needs any more is not followed.
    expect([...source.followers.keys()]).toEqual([KEY('b')]);
  });
});

describe('changes', () => {
  it('are rendered once they have come to rest, at the latest after the longest wait', async () => {
    run([template(keyTemplate('a'), 'out', { command: counted('ran') })], { wait: { min: 100, max: 250 } });
    // The first rendering waits for nothing.
    await source.say(KEY('a'), 'one');
    await soon(() => expect(runsOf('ran')).toBe(1));
    for (const value of ['two', 'three', 'four']) {
      await source.say(KEY('a'), value);
      clock.advance(90);
    }
    expect(content('out')).toBe('one');
    await source.say(KEY('a'), 'four');
    // 270 ms after the first of them: the longest wait is over.
    await toBe('out', 'four');
    await soon(() => expect(runsOf('ran')).toBe(2));
    await source.say(KEY('a'), 'five');
    clock.advance(99);
    expect(content('out')).toBe('four');
    clock.advance(1);
    await toBe('out', 'five');
  });
});

describe('a key that is not there', () => {
  it('is waited for', async () => {
    const runner = run([template(keyTemplate('a'), 'out')]);
    await source.lack(KEY('a'));
    await source.say(KEY('a'), 'one');
    await toBe('out', 'one');
    expect(await Promise.race([runner.ended, 'goes on'])).toBe('goes on');
  });

  it('ends it where that was asked for', async () => {
    const runner = run([template(keyTemplate('a'), 'out')], { failOnAbsence: true });
    await source.lack(KEY('a'));
    expect(await runner.ended).toEqual({
      kind: 'failed',
      message: 'kv.block(a): there is no such key, and err_on_failed_lookup is set',
    });
  });
});

it('is ready when each template was rendered for the first time', async () => {
  const runner = run([template(keyTemplate('a'), 'one'), template('b', 'two')]);
  await toBe('two', 'b');
  expect(await Promise.race([runner.ready.then(() => 'ready'), 'not yet'])).toBe('not yet');
  await source.say(KEY('a'), 'one');
  await runner.ready;
  expect(content('one')).toBe('one');
});

describe('once', () => {
  it('renders nothing again while others still wait', async () => {
    const runner = run(
      [
        template('{{ keyOrDefault "c" "" }}', 'first', { command: counted('ran') }),
        template(keyTemplate('a'), 'second'),
      ],
      { once: true },
    );
    await source.say('kv.get(c)', 'one');
    await toBe('first', 'one');
    await source.say('kv.get(c)', 'two');
    await source.say(KEY('a'), 'x');
    expect(await runner.ended).toEqual({ kind: 'done' });
    expect([content('first'), runsOf('ran')]).toEqual(['one', 1]);
  });

  it('ends when all is written', async () => {
    const runner = run([template(keyTemplate('a'), 'out'), template('b', 'other')], { once: true });
    await source.say(KEY('a'), 'one');
    expect(await runner.ended).toEqual({ kind: 'done' });
    expect([content('out'), content('other')]).toEqual(['one', 'b']);
    expect(source.followers.size).toBe(0);
  });

  it('fails when a template does, with the others written', async () => {
    const runner = run([template('{{if}}', 'bad'), template('b', 'good')], { once: true });
    expect(await runner.ended).toMatchObject({ kind: 'failed', message: /parse: .*missing value for if/ });
    expect(content('good')).toBe('b');
  });
});

describe('a registry that stays away', () => {
  it('ends it after the attempts that it was given', async () => {
    const runner = run([template(keyTemplate('a'), 'out')], { attempts: 2 });
    await source.fail(KEY('a'), 'no route to host');
    await source.fail(KEY('a'), 'no route to host');
    expect(await runner.ended).toEqual({
      kind: 'failed',
      message: 'kv.block(a): no route to host; given up after 2 attempts',
    });
  });

  it('ends it after the time that it was given, and not before', async () => {
    const runner = run([template(keyTemplate('a'), 'out')], { exitAfter: 10_000 });
    let ended = false;
    void runner.ended.then(() => {
      ended = true;
    });
    await source.fail(KEY('a'), 'away');
    clock.advance(9_999);
    await source.fail(KEY('a'), 'away');
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    clock.advance(1);
    await source.fail(KEY('a'), 'away');
    expect(await runner.ended).toMatchObject({ kind: 'failed' });
  });
});
