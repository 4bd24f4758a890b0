/** What signals do to a balancer, and what is left behind when it ends. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, backend, balancer, closers, folder, muster, until } from './lb.test-support.ts';

describe('muster lb goes on at SIGHUP and says how it is replaced', () => {
  const hangUp = async ({ child, seen }: ReturnType<typeof muster>, url: string) => {
    child.kill('SIGHUP');
    await until(
      () =>
        seen.text.includes(`muster reload -process -pid ${child.pid}`) ||
        child.exitCode !== null ||
        child.signalCode !== null,
    );
    expect(await ask(url)).toBe('200 a');
  };

  it.each(['http', 'tcp'])('with upstreams by flags and %s', async (protocol) => {
    const { port } = await backend('a');
    const running = await balancer(`127.0.0.1:${port}`, '-protocol', protocol);
    await hangUp(running, running.url);
  });

  it('with a gobetween file', async () => {
    const { port } = await backend('a');
    const file = join(folder, 'hangup.toml');
    writeFileSync(
      file,
      `[servers.x]\nbind = "127.0.0.1:0"\n[servers.x.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${port}"]\n`,
    );
    const running = muster('-c', file);
    const bound = /bind="?(127\.0\.0\.1:\d+)/;
    await until(() => bound.test(running.seen.text) && running.seen.text.includes('balancing'));
    await hangUp(running, `http://${bound.exec(running.seen.text)?.[1]}/`);
  });
});

it('takes a stop signal that is sent twice at once for one: what is in flight finishes', async () => {
  const asked: http.ServerResponse[] = [];
  const { port } = await backend('late', (response) => void asked.push(response));
  const { url, child, exit, seen } = await balancer(`127.0.0.1:${port}`);
  const answer = ask(url);
  await until(() => asked.length > 0);
  // Two of one kind may come as one; timeout(1) sends them to the process and to its group.
  child.kill('SIGTERM');
  child.kill('SIGINT');
  await until(() => seen.text.includes('nothing new is taken') || child.exitCode !== null);
  asked[0]?.end('late');
  expect(await answer).toBe('200 late');
  expect(await exit).toBe(0);
});

it.runIf(existsSync('/proc/self/limits'))(
  'tells at the start that fewer files may be open than clients may come',
  async () => {
    const { port } = await backend('a');
    const words = ['-listen=127.0.0.1:0', `-upstream=127.0.0.1:${port}`, '-workers=1'];
    const shell = spawn('bash', [
      ...['-c', 'ulimit -n 400 && exec "$@"', 'bash', process.execPath, join(folder, 'main.js'), 'lb'],
      ...[...words, '-max-connections=500'],
    ]);
    closers.push(() => shell.kill('SIGKILL'));
    let said = '';
    shell.stderr.on('data', (part) => {
      said += part;
    });
    await until(() => said.includes('balancing') || shell.exitCode !== null);
    expect(said).toMatch(/too few files for so many clients \(ulimit -n\) clients=300 max-connections=500/);
  },
);

describe('the access log of muster lb', () => {
  it.each(['net', 'uring'])('has a line for each request when it has ended, on %s', async (transport) => {
    const { port } = await backend('a');
    const log = join(folder, `ended-${transport}.log`);
    process.env.MUSTER_TRANSPORT = transport;
    const { url, child, exit, seen } = await balancer(
      `127.0.0.1:${port}`,
      ...['-access-log', log, '-lame-duck=1ms'],
    ).finally(() => delete process.env.MUSTER_TRANSPORT);
    for (let i = 0; i < 10; i++) await ask(url);
    // Lines wait for a moment for others: it ends before that is over.
    child.kill('SIGTERM');
    expect(await exit, seen.text).toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(10);
  });
});

describe('the pid file of muster lb', () => {
  const flags = ['-listen=127.0.0.1:0', '-upstream=127.0.0.1:1'];

  it.each([
    ['HTTP', flags],
    ['TCP', ['-protocol=tcp', ...flags]],
    ["fabio's settings", ['-registry.backend=static', '-proxy.addr=127.0.0.1:0', '-ui.addr=127.0.0.1:0']],
  ])('is there while it serves, with %s', async (name, words) => {
    const file = join(folder, `${name}.pid`);
    const { child, exit, seen } = muster(...words, '-pidfile', file);
    await until(() => existsSync(file) || child.exitCode !== null);
    expect(seen.text).not.toContain('cannot');
    await until(() => readFileSync(file, 'utf8') === `${child.pid}\n`);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it('ends the start where it cannot be written', async () => {
    const { exit, seen } = muster(...flags, '-p', join(folder, 'nowhere', 'x.pid'));
    expect(await exit).toBe(2);
    expect(seen.text).toContain('cannot write the pid file');
  });
});

it('goes on when something fails that nobody waits for, and says so', async () => {
  const stray = encodeURIComponent(
    `process.once('SIGWINCH', () => void Promise.reject(new Error('nobody waits')))`,
  );
  process.env.NODE_OPTIONS = `--import=data:text/javascript,${stray}`;
  onTestFinished(() => void delete process.env.NODE_OPTIONS);
  const { port } = await backend('a');
  const { url, child, seen } = await balancer(`127.0.0.1:${port}`);
  child.kill('SIGWINCH');
  await until(() => seen.text.includes('nobody waits') || child.exitCode !== null);
  expect(await ask(url)).toBe('200 a');
  expect(seen.text).toContain('all else goes on');
});
