import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MusterError } from '../errors.ts';
import { AGENT_FLAGS, flagsAsSource, flagsWithoutEffect } from './agent-flags.ts';
import { completionScript, SHELLS } from './completion.ts';
import { parseFlags } from './flags.ts';
import { run } from './run.ts';
import type { Terminal } from './verb.ts';
import { loadAll, verb } from './verb.ts';
import { verbs } from './verbs.ts';

async function muster(words: string[], table = verbs) {
  let out = '';
  let err = '';
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from([]),
    env: {},
    color: false,
  };
  const code = await run(table, words, terminal);
  return { code, out, err };
}

describe('the table of verbs', () => {
  it.each(Object.keys(verbs))('%s has help that begins with an example of itself', async (name) => {
    for (const flag of ['--help', '-h', '-help']) {
      const { code, out, err } = await muster([...name.split(' '), flag]);
      expect(code).toBe(0);
      expect(err).toBe('');
      expect(out).toMatch(new RegExp(`^Examples?:\\n(?:  # .*\\n)?  .*muster ${name}`));
      expect(out).toContain(verbs[name]!.summary);
    }
  });

  it('help VERB is the same', async () => {
    expect((await muster(['help', 'kv', 'get'])).out).toBe((await muster(['kv', 'get', '--help'])).out);
  });

  it('every flag and verb says what it does, in a sentence', async () => {
    for (const { summary, flags } of Object.values(await loadAll(verbs))) {
      expect(summary).toMatch(/^[A-Z].*\.$/);
      for (const flag of Object.values(flags)) expect(flag.summary).toMatch(/^[\p{L}].*[.;]|.*\.$/u);
    }
  });
});

describe('wrong usage ends with 2 and a hint', () => {
  it.each([
    [['memebrs'], 'there is no verb "memebrs"; did you mean "muster members"?'],
    [['kv', 'gte', 'x'], 'did you mean "muster kv get"?'],
    [['frobnicate'], '"muster --help" lists all'],
    [['keygen', 'x'], '"x" is one argument too many'],
    [['health'], 'SERVICE is missing'],
    [['load', 'http://a', '-reqests=1'], 'did you mean -requests?'],
    [['load', 'gopher://a'], 'expected http://'],
    [['load', 'http://127.0.0.1', '-rate=0'], '-rate has to be above 0'],
    [['load', 'http://127.0.0.1:1', '-method=G T'], '-method: expected a method such as GET, got "G T"'],
    [['load', 'http://127.0.0.1:1', '-header=x'], '-header: expected "NAME: VALUE", got "x"'],
    [['load', 'http://127.0.0.1:1', '-header=a b: c'], '-header: expected "NAME: VALUE"'],
    [['load', 'http://127.0.0.1:1', '-header=a: b\nc'], '-header: expected "NAME: VALUE"'],
    [['reload', '-process', '-pid=999999999'], 'cannot ask process 999999999: there is none'],
    [['maint', '-enable', '-disable'], 'not both'],
    [['completion', 'bsh'], 'did you mean bash?'],
    [['agent'], '-data-dir'],
    [['up', '/nowhere/stack.toml'], 'there is no such file or directory'],
    // As cobra's programs, gobetween among them, take their words.
    [['lb', '-f', 'json', 'from-file', '/nowhere.json'], 'muster lb from-file: cannot read /nowhere.json'],
    [['lb', '-p', '/nowhere/pid', 'from-fil', 'a'], '"from-fil" is one argument too many'],
  ])('%j', async (words, hint) => {
    const { code, out, err } = await muster(words);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(hint);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it.each([[[]], [['kv']], [['catalog']]])('%j shows what there is', async (words) => {
    const { code, err } = await muster(words);
    expect(code).toBe(2);
    expect(err).toMatch(/^Example/);
  });

  it.each([[['--help']], [['help']], [['kv', '--help']]])('%j is an answer, not a mistake', async (words) => {
    const { code, out } = await muster(words);
    expect(code).toBe(0);
    expect(out).toMatch(/^Example/);
  });
});

describe("gobetween's files", () => {
  it('are read as JSON when they are called so and nobody says how they are written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-run-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'lb.json');
    writeFileSync(path, '{"servers":{"x":{}}}');
    for (const words of [
      ['-c', path],
      ['from-file', path],
    ])
      expect((await muster(['lb', ...words])).err).toContain('servers.x: no bind is specified');
    expect((await muster(['lb', '-c', path, '-f', 'toml'])).err).toContain('lb.json:1:1:');
  });
});

it.each(['members', 'kv list', 'health web'])('what is no agent is called so: %s', async (words) => {
  const server = http.createServer((_, response) => response.end('{"a":1}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { code, err } = await muster([...words.split(' '), `-http-addr=127.0.0.1:${port}`]);
  expect(code).toBe(1);
  // It told of a method that is missing, "(unexpected)".
  expect(err).toContain('Is it a Muster or Consul agent that CONSUL_HTTP_ADDR or -http-addr names?');
});

describe('what a verb throws', () => {
  const failing = (error: unknown) => ({
    fail: {
      summary: 'Fails.',
      load: async () =>
        verb({
          args: [],
          examples: [{ command: 'muster fail' }],
          flags: { 'log-level': { kind: 'string', summary: 'Level.' } },
          run: async () => {
            throw error;
          },
        }),
    },
  });

  it.each([
    ['store.write_failed', 'the disk is full.', 'the disk is full.'],
    ['listen.in_use', 'the port is in use.', 'the port is in use. "muster fail --help" shows how'],
    ['listen.in_use', 'the port is in use', 'the port is in use. "muster fail --help" shows how'],
  ] as const)('is one sentence and the code of its kind: %s, %s', async (errorCode, message, sentence) => {
    const { code, err } = await muster(['fail'], failing(new MusterError(errorCode, message)));
    expect({ code, err }).toEqual({ code: 1, err: `muster fail: ${sentence}\n` });
  });

  it('has a stack only for those who debug', async () => {
    const table = failing(new TypeError('x is not a function'));
    expect((await muster(['fail'], table)).err).not.toMatch(/^\s+at /m);
    const { code, err } = await muster(['fail', '-log-level=debug'], table);
    expect(code).toBe(1);
    expect(err).toMatch(/^\s+at /m);
  });
});

describe('flags of the agent', () => {
  it('take the command line of Consul’s own tools', () => {
    const words =
      '-dev -node=conf-1 -http-port=18500 -dns-port=18600 -grpc-port=-1 -server-port=18300 -serf-lan-port=18301 -serf-wan-port=18302';
    const { flags } = parseFlags(AGENT_FLAGS, words.split(' '));
    expect(flagsAsSource(flags, '/').value).toEqual({
      node: { dev: true, name: 'conf-1' },
      ports: { http: 18_500, dns: 18_600, server: 18_300, serf_lan: 18_301, serf_wan: 18_302 },
    });
    expect(flagsWithoutEffect(flags)).toEqual([]);
  });

  it('name recursors, one each time', () => {
    const { flags } = parseFlags(AGENT_FLAGS, ['-recursor', '10.0.0.53', '-recursor=10.0.1.53:5353']);
    expect(flagsAsSource(flags, '/').value).toEqual({
      dns: { recursors: ['10.0.0.53', '10.0.1.53:5353'] },
    });
    expect(flagsWithoutEffect(flags)).toEqual([]);
  });

  it('say which of them have no effect yet', () => {
    const { flags } = parseFlags(AGENT_FLAGS, [
      '-server',
      '-bootstrap-expect=3',
      '-retry-join=a',
      '-retry-join=b',
      '-retry-join-wan=c',
      '-segment=s',
      '-https-port=-1',
    ]);
    expect(flagsWithoutEffect(flags)).toEqual(['-retry-join-wan', '-segment']);
  });

  it('are named when their value is wrong', async () => {
    const { code, err } = await muster(['agent', '-dev', '-http-port=70000']);
    expect(code).toBe(2);
    expect(err).toContain('-http-port: ports.http: expected at most 65535, got 70000');
  });

  it('count less than pieces of a file, each of which has its place', async () => {
    const { code, err } = await muster([
      'agent',
      '-dev',
      '-http-port=1',
      '-hcl',
      'ports {\n http = 70000, dns = -1 }',
    ]);
    expect(code).toBe(2);
    expect(err).toContain('-hcl:2:2: ports.http: expected at most 65535, got 70000');
  });
});

it.each(SHELLS)('completion for %s knows every verb and flag', async (shell) => {
  const whole = await loadAll(verbs);
  const script = completionScript(shell, whole);
  for (const [name, { flags }] of Object.entries(whole)) {
    for (const word of name.split(' ')) expect(script).toContain(word);
    for (const flag of Object.keys(flags)) expect(script).toContain(flag);
  }
});

it('bash completes verbs of any number of words, and their flags', async () => {
  const script = completionScript('bash', await loadAll(verbs));
  const complete = (...words: string[]): string[] => {
    const asked = [
      script,
      `COMP_WORDS=(muster ${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length}`,
      '_muster',
      `printf '%s\\n' "\${COMPREPLY[@]}"`,
    ].join('\n');
    return execFileSync('bash', ['-c', asked], { encoding: 'utf8' }).trim().split('\n');
  };
  expect(complete('memb')).toEqual(['members']);
  expect(complete('acl', '')).toContain('token');
  expect(complete('acl', 'token', 'c')).toEqual(['create', 'clone']);
  expect(complete('acl', 'token', 'create', '-policy')).toEqual(['-policy-id', '-policy-name']);
  expect(complete('operator', 'raft', 'list')).toEqual(['list-peers']);
  expect(complete('kv', 'get', '-base64', '-k')).toEqual(['-keys']);
  expect(complete('kv', 'get', 'some/key', '-det')).toEqual(['-detailed']);
});
