import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeConfig, parseConfig, readConfig } from './read.ts';
import { childOf, templatesOf, waitOf } from './settings.ts';

const parse = (text: string) => parseConfig('f.hcl', text);
const template = (text: string) =>
  templatesOf(parse(`template {\n source = "in"\n destination = "out"\n ${text} }`), true)[0];
const child = (text: string) => childOf(parse(`exec {\n command = "run"\n ${text} }`));

describe('a configuration', () => {
  it('names the registry in a block, or in one text as older files do', () => {
    expect(parse('consul = "10.0.0.1:8500"').consul).toEqual({ address: '10.0.0.1:8500' });
    expect(parse('consul {\n address = "10.0.0.1:8500"\n }').consul).toEqual({ address: '10.0.0.1:8500' });
    expect(() => parse('consul = true')).toThrow(/f.hcl:1:1: consul: /);
  });

  it('is refused with the place of what it does not know, also inside blocks that may be texts', () => {
    expect(() => parse('consul {\n addres = "a"\n}')).toThrow(
      'f.hcl:2:2: unknown key "addres"; did you mean address?',
    );
    expect(() => parse('wait {\n min = "1s"\n mox = "2s"\n}')).toThrow(/f.hcl:3:2: unknown key "mox"/);
    expect(() => parse('wait = "5"')).toThrow(/f.hcl:1:1: wait: expected "min" or "min:max"/);
    expect(() => parse('unheard_of = 1')).toThrow(/f.hcl:1:1: unknown key "unheard_of"/);
  });

  it('is refused where a source is no text, with the place', () => {
    const fault = 'template.0.source: expected the name of a file in quotes, got 1';
    expect(() => parse('{ "template": [{ "source": 1, "destination": "out" }] }')).toThrow(`f.hcl: ${fault}`);
    expect(() => parse('template {\n source = 1\n}')).toThrow(`f.hcl:2:2: ${fault}`);
  });

  it.each([
    ['wait = "2s"', { min: 2_000, max: 8_000 }],
    ['wait = "2s:5s"', { min: 2_000, max: 5_000 }],
    ['wait {\n min = "2s"\n }', { min: 2_000, max: 8_000 }],
    ['wait {\n min = "2s"\n max = "5s"\n }', { min: 2_000, max: 5_000 }],
    ['wait {\n enabled = false\n min = "2s"\n }', { min: 0, max: 8_000 }],
    ['wait {\n bool = false\n min = "2s"\n }', { min: 0, max: 8_000 }],
    ['', undefined],
  ])('%j waits as it says', (text, expected) => {
    expect(waitOf(parse(text).wait)).toEqual(expected);
  });

  it('is merged block by block: a later one wins, variables and templates come to those before', () => {
    const merged = mergeConfig(
      parse(`
        consul { address = "a"  token = "t"  retry { attempts = 3 } }
        exec { command = "run"  env { pristine = true  custom = ["A=1"]  denylist = ["X_*"] } }
        wait { min = "1s" }
        template { contents = "one" }`),
      parse(`
        consul { address = "b"  retry { backoff = "1s" } }
        exec { env { custom = ["B=2"]  blacklist = ["Y_*"] } }
        wait { max = "2s" }
        template { contents = "two" }`),
    );
    expect(merged.consul).toEqual({ address: 'b', token: 't', retry: { attempts: 3, backoff: 1_000 } });
    expect(waitOf(merged.wait)).toEqual({ min: 1_000, max: 2_000 });
    // One text says both.
    const later = mergeConfig(parse('wait = "1s:2s"'), parse('wait = "5s"'));
    expect(waitOf(later.wait)).toEqual({ min: 5_000, max: 20_000 });
    expect(merged.template?.map(({ contents }) => contents)).toEqual(['one', 'two']);
    expect(childOf(merged)?.environment).toEqual({
      pristine: true,
      custom: ['A=1', 'B=2'],
      allow: [],
      deny: ['X_*', 'Y_*'],
    });
  });

  it('may give lists of names as one text with commas, and under their older names', () => {
    expect(
      child('env {\n custom = "A=1,B=2"\n whitelist = ["P*"]\n denylist = "X,Y"\n }')?.environment,
    ).toEqual({
      pristine: false,
      custom: ['A=1', 'B=2'],
      allow: ['P*'],
      deny: ['X', 'Y'],
    });
    expect(template('function_denylist = "plugin,sprig_*"')?.functionDenylist).toEqual(['plugin', 'sprig_*']);
    // A command is none: its commas are its own.
    expect(template('command = "notify a,b"')?.command).toEqual(['notify a,b']);
  });
});

describe('a template of it', () => {
  it('takes "" for what is not there', () => {
    const [one] = templatesOf(
      parse('template {\n source = ""\n contents = "x"\n destination = "out"\n user = ""\n }'),
      true,
    );
    expect(one).toMatchObject({ source: undefined, contents: 'x', user: '' });
    expect(() => templatesOf(parse('template {\n source = ""\n destination = "out"\n }'), true)).toThrow(
      /template 1: give source \(a file\) or contents/,
    );
  });

  it.each([
    ['perms = 0640', 0o640],
    ['perms = "0640"', 0o640],
    ['perms = "640"', 0o640],
    ['perms = "04755"', 0o4755],
    ['perms = 0', undefined],
    ['', undefined],
  ])('%j says its mode', (text, mode) => {
    expect(template(text)?.perms).toBe(mode);
  });

  it('is owned by a name or a number, under either name', () => {
    expect(template('user = "www-data"\n group = 33')).toMatchObject({ user: 'www-data', group: '33' });
    expect(template('uid = 1000\n gid = 1001')).toMatchObject({ user: '1000', group: '1001' });
    expect(template('uid = -1\n gid = -1')).toMatchObject({ user: '', group: '' });
  });

  it('decides for itself whether its failure is that of all', () => {
    const fatal = (text: string) => templatesOf(parse(text), false).map(({ errorFatal }) => errorFatal);
    expect(
      fatal(`template_error_fatal = true
        template { contents = "a" }
        template { contents = "b"  error_fatal = false }`),
    ).toEqual([true, false]);
  });
});

describe('a child of it', () => {
  it.each([
    ['', { reloadSignal: undefined, killSignal: 'SIGINT', killTimeout: 30_000 }],
    ['reload_signal = "HUP"', { reloadSignal: 'SIGHUP' }],
    ['reload_signal = "sigrtmin"', undefined],
    ['reload_signal = ""', { reloadSignal: 'none' }],
    ['reload_signal = "SIGNULL"', { reloadSignal: 'none' }],
    [
      'kill_signal = "sigxcpu"\n kill_timeout = "2s"\n splay = "5s"',
      { killSignal: 'SIGXCPU', killTimeout: 2_000, splay: 5_000 },
    ],
  ])('%j is told so', (text, expected) => {
    if (expected === undefined) expect(() => child(text)).toThrow(/expected a signal such as "SIGHUP"/);
    else expect(child(text)).toMatchObject(expected);
  });
});

describe('files', () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-config-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    const full = path.join(folder, name);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, text);
    return full;
  };
  const contents = (...paths: string[]) =>
    (readConfig(paths).config.template ?? []).map((entry) => entry.contents);
  const one = (name: string) => `template { contents = "${name}" }`;

  it('of a folder are taken by name, those of the folders in it where their name stands', () => {
    file('b.hcl', one('b'));
    file('a/z.hcl', one('a/z'));
    file('a.json', '{"template": [{"contents": "a.json"}]}');
    expect(contents(folder)).toEqual(['a/z', 'a.json', 'b']);
  });

  it('of a ConfigMap are taken once, though they lie in a hidden folder too', () => {
    file('..2024_01/a.hcl', one('a'));
    fs.symlinkSync('..2024_01', path.join(folder, '..data'));
    fs.symlinkSync('..data/a.hcl', path.join(folder, 'a.hcl'));
    expect(contents(folder)).toEqual(['a']);
  });

  it('count less than the text of a variable', () => {
    const name = file('a.hcl', `log_level = "warn"\n${one('file')}`);
    const { config } = readConfig([name], `log_level = "debug"\n${one('variable')}`);
    expect(config).toMatchObject({
      log_level: 'debug',
      template: [{ contents: 'file' }, { contents: 'variable' }],
    });
    expect(() => readConfig([name], 'nonsense {')).toThrow(/CT_LOCAL_CONFIG/);
  });

  it('say what has no effect', () => {
    const name = file(
      'a.hcl',
      'consul {\n namespace = "team"\n transport { dial_timeout = "1s" }\n }\n vault {}',
    );
    expect(readConfig([name]).warnings).toEqual([
      `${name}: consul.namespace has no effect: there are no namespaces here`,
      `${name}: consul.transport has no effect: connections are kept open, and given up when nothing answers`,
      `${name}: vault has no effect: Muster does not read from Vault`,
    ]);
    expect(readConfig([file('b.hcl', 'consul { namespace = "" }')]).warnings).toEqual([]);
  });

  it('that are not there are named', () => {
    expect(() => readConfig([path.join(folder, 'none')])).toThrow(/cannot read the configuration .*none/);
  });
});
