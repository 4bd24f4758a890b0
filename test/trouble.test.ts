import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import { startBackend } from './support/backend.ts';
import { ask, getJson, put } from './support/http.ts';
import {
  type ConfigFile,
  musterProcess,
  onPorts,
  pickPorts,
  stack,
  testFolder,
  testMuster,
  writeConfig,
} from './support/muster.ts';

async function occupied(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
}

/** Runs `muster VERB` with a configuration that must not start; what it printed and its exit code. */
async function refused(verb: 'agent' | 'up', config: ConfigFile) {
  const path = writeConfig(testFolder(), config);
  const program = musterProcess(verb === 'up' ? ['up', path] : ['agent', '-config-file', path]);
  const { code } = await program.exited;
  await program.silent;
  return { code, text: program.output(), path };
}

describe('what prevents a start', () => {
  it.each(['http', 'dns', 'proxy', 'admin'] as const)(
    'a taken %s port is named, with a remedy',
    async (which) => {
      const ports = await pickPorts();
      await occupied(ports[which]);
      const { code, text } = await refused('agent', onPorts({ node: { dev: true } }, ports));
      expect(code).toBe(1);
      expect(text).toContain(`:${ports[which]}`);
      expect(text).toMatch(/port is in use.*choose another port\. "muster agent --help" shows how\n/s);
      expect(text).not.toMatch(/^\s+at /m);
    },
  );

  it('a data directory that cannot be written is named', async () => {
    const folder = testFolder();
    // Below a file there can be no directory, not even for root.
    writeFileSync(join(folder, 'file'), '');
    const dataDir = join(folder, 'file', 'data');
    const { code, text } = await refused(
      'agent',
      onPorts({ node: { data_dir: dataDir } }, await pickPorts()),
    );
    expect(code).toBe(1);
    expect(text).toContain(dataDir);
    expect(text).not.toMatch(/^\s+at /m);
  });

  it('an etcd that does not answer is named, with a remedy', async () => {
    const ports = await pickPorts();
    const endpoint = `http://127.0.0.1:${ports.wan}`;
    const store = { etcd: { endpoints: [endpoint] } };
    const { code, text } = await refused(
      'agent',
      onPorts({ node: { data_dir: testFolder() }, store }, ports),
    );
    expect(code).toBe(1);
    expect(text).toContain(`etcd does not answer at ${endpoint}`);
    expect(text).toContain('start etcd, or correct `endpoints`');
  });

  it('an unknown key in a stack file is named with line, column and the nearest known key', async () => {
    const folder = testFolder();
    const path = join(folder, 'stack.toml');
    writeFileSync(path, '[node]\ndev = true\n\n[balancer]\n  strategi = "rr"\n');
    const program = musterProcess(['up', path]);
    expect((await program.exited).code).toBe(2);
    await program.silent;
    expect(program.output()).toMatch(/stack\.toml:5:3\b/);
    expect(program.output()).toContain('strategi');
    expect(program.output()).toMatch(/strategy/);
  });

  it.each([
    ['broken TOML', '[node\ndev = true\n', /:1:/],
    ['a wrong type', '[node]\ndev = "yes"\n', /:2:7\b/],
    [
      'an unknown strategy',
      '[node]\ndev = true\n[balancer]\nstrategy = "fastest"\n',
      /:4:12\b[\s\S]*leastconn/,
    ],
  ])('%s is told with its place', async (_, toml, expected) => {
    const path = join(testFolder(), 'stack.toml');
    writeFileSync(path, toml);
    const program = musterProcess(['up', path]);
    expect((await program.exited).code).toBe(2);
    await program.silent;
    expect(program.output()).toContain(path);
    expect(program.output()).toMatch(expected);
  });

  it.each([
    ['an unknown verb', ['frobnicate']],
    ['an unknown flag', ['agent', '-frobnicate']],
    ['a stack file that is not there', ['up', '/nowhere/stack.toml']],
  ])('%s ends with exit code 2', async (_, args) => {
    const program = musterProcess(args);
    expect((await program.exited).code).toBe(2);
    await program.silent;
    expect(program.output()).toMatch(/frobnicate|nowhere/);
    expect(program.output()).not.toMatch(/^\s+at /m);
  });
});

describe('what was likely not meant is said at the start', () => {
  /** What an agent with this configuration says that contains `text`. */
  async function says(text: string, config: ConfigFile): Promise<string> {
    const path = writeConfig(testFolder(), onPorts(config, await pickPorts()));
    const program = musterProcess(['agent', '-config-file', path]);
    const line = await until(
      `a line with "${text}"`,
      () =>
        program
          .output()
          .split('\n')
          .find((one) => one.includes(text)),
      { program },
    );
    await program.kill();
    return line;
  }
  const encrypt = 'pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=';

  it('that servers on other machines are told 127.0.0.1', async () => {
    // An address of documentation: nobody is there.
    const cluster = { encrypt, retry_join: ['192.0.2.1'] };
    expect(await says('others are told', { node: { dev: true }, cluster })).toMatch(
      /WARN .*127\.0\.0\.1.* -bind=ADDRESS/,
    );
  });

  it('that an agent with a key stands alone all the same', async () => {
    expect(await says('stands alone', { node: { dev: true }, cluster: { encrypt } })).toMatch(
      /WARN .*-encrypt.*-retry-join=ADDRESS/,
    );
  });

  it('that what an agent kept while it stood alone is not taken over by a cluster', async () => {
    const node = { data_dir: testFolder() };
    await says('HTTP API', { node });
    const cluster = { encrypt, retry_join: ['127.0.0.1:1'] };
    expect(await says('while it stood alone', { node, cluster })).toMatch(/WARN .*muster snapshot save/);
  });
});

describe('what goes wrong while it runs', () => {
  it('an app that exits at once is reported and tried again, and the rest goes on', async () => {
    const [hello] = stack('hello').group as ConfigFile[];
    const broken = {
      name: 'broken',
      command: [process.execPath, '-e', 'console.log("no such luck"); process.exit(3)'],
      replicas: 1,
    };
    const { program, proxy } = await testMuster('up', {
      node: { dev: true },
      group: [{ ...hello, replicas: 2 }, broken],
    });
    await until('hello to answer', async () => (await ask(`${proxy}/hello/api/v1`)).status === 200, {
      program,
    });
    await until('the second attempt', () => (program.output().match(/no such luck/g) ?? []).length > 1, {
      program,
    });
    // What the app says comes by another way than what is said of it.
    await until('the report', () => /broken-1.*(code|status|exit).*3/i.test(program.output()), { program });
    expect((await ask(`${proxy}/hello/api/v1`)).status).toBe(200);
  });

  it('bad requests are refused in words, and change nothing', async () => {
    const { api } = await testMuster('agent');
    const before = await getJson(`${api}/v1/agent/services`);
    const register = (body: string) =>
      ask(`${api}/v1/agent/service/register`, {
        method: 'PUT',
        body,
        headers: { 'Content-Type': 'application/json' },
      });
    for (const body of ['{"Name": ', '{"Name": 7}', '{}', '{"Name":"x","Port":"eighty"}']) {
      const { status, text } = await register(body);
      expect(status, body).toBe(400);
      expect(text.length, body).toBeGreaterThan(5);
    }
    const large = await ask(`${api}/v1/kv/large`, { method: 'PUT', body: Buffer.alloc(600 * 1024) });
    expect(large.status).toBe(413);
    expect((await ask(`${api}/v1/kv/large`)).status).toBe(404);
    expect(await getJson(`${api}/v1/agent/services`)).toEqual(before);
  });

  it('a bad tag does not stop the good ones', async () => {
    const { api, proxy } = await testMuster('agent');
    const web = await startBackend('web-1');
    await put(`${api}/v1/agent/service/register`, {
      ID: 'web-1',
      Name: 'web',
      Address: '127.0.0.1',
      Port: web.port,
      Tags: ['urlprefix-', 'urlprefix-/bad weight=lots', 'urlprefix-/good'],
      Check: { TTL: '1h', Status: 'passing' },
    });
    await until('the good route', async () => (await ask(`${proxy}/good`)).status === 200);
  });
});

describe('what becomes of what is printed', () => {
  const shell = (line: string) =>
    spawnSync('bash', ['-c', line], { encoding: 'utf8', env: { ...process.env, MUSTER } });

  it('a reader that goes away is no failure', () => {
    const { stdout, stderr } = shell('"$MUSTER" config print -effective | head -1; echo "$PIPESTATUS"');
    expect(stdout).toMatch(/\n0\n$/);
    expect(stderr).toBe('');
  });

  it('a full disk is one, in a sentence', () => {
    const { status, stderr } = shell('"$MUSTER" help > /dev/full');
    expect([status, stderr]).toEqual([1, 'muster: cannot write what is to be printed: the disk is full\n']);
  });
});
