import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { docker } from './docker.ts';

/** Against a real engine, started for the test: Debian's docker.io, with busybox-static as the only program. */
const BUSYBOX = '/usr/bin/busybox';
const missing = [
  ...(isThere('dockerd') ? [] : ['dockerd (Debian: docker.io)']),
  ...(existsSync(BUSYBOX) ? [] : ['busybox (Debian: busybox-static)']),
  ...(process.getuid?.() === 0 ? [] : ['the rights of root']),
];
if (missing.length > 0)
  console.warn(`docker checks are not tested against a real engine: needs ${missing.join(', ')}`);

function isThere(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

const directory = mkdtempSync(join(tmpdir(), 'muster-docker-'));
const socketPath = join(directory, 'docker.sock');
let engine: ChildProcess | undefined;
let exited: Promise<unknown> = Promise.resolve();
let trouble: string | undefined;

/** One call of the Docker Engine API; rejects unless it is granted. */
function call(method: string, path: string, body: Buffer | object = Buffer.alloc(0)): Promise<string> {
  const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
  const headers = { 'Content-Type': type, 'Content-Length': content.length };
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => ((answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(text))));
    })
      .on('error', reject)
      .end(content);
  });
}

beforeAll(async () => {
  if (missing.length > 0) return;
  engine = spawn(
    'dockerd',
    [
      '--storage-driver=vfs',
      `--host=unix://${socketPath}`,
      `--data-root=${join(directory, 'data')}`,
      `--exec-root=${join(directory, 'exec')}`,
      `--pidfile=${join(directory, 'pid')}`,
      '--bridge=none',
      '--iptables=false',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [engine.stdout, engine.stderr])
    stream?.on('data', (chunk) => {
      log = `${log}${chunk}`.slice(-2000);
    });
  let isRunning = true;
  exited = new Promise<void>((resolve) => {
    engine?.on('exit', () => {
      isRunning = false;
      resolve();
    });
  });
  try {
    await vi.waitUntil(async () => !isRunning || (await call('GET', '/_ping').catch(() => '')) !== '', {
      timeout: 20_000,
      interval: 50,
    });
    if (!isRunning) throw new Error('dockerd ended');
    const image = join(directory, 'image', 'bin');
    mkdirSync(image, { recursive: true });
    copyFileSync(BUSYBOX, join(image, 'busybox'));
    for (const name of ['sh', 'sleep']) symlinkSync('busybox', join(image, name));
    const tar = execFileSync('tar', ['-C', join(directory, 'image'), '-c', '.'], {
      maxBuffer: 64 * 1024 * 1024,
    });
    await call('POST', '/images/create?fromSrc=-&repo=muster-check', tar);
    await call('POST', '/containers/create?name=muster-check', {
      Image: 'muster-check',
      Cmd: ['/bin/sleep', '600'],
      HostConfig: { NetworkMode: 'none' },
    });
    await call('POST', '/containers/muster-check/start');
    vi.stubEnv('DOCKER_HOST', `unix://${socketPath}`);
  } catch (error) {
    trouble = `the engine cannot run here: ${(error as Error).message}`;
    console.warn(`docker checks are not tested against a real engine: ${trouble}\n${log}`);
  }
}, 60_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  if (engine !== undefined) {
    await call('DELETE', '/containers/muster-check?force=1').catch(() => {});
    engine.kill('SIGTERM');
    await exited;
  }
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

function probe(args: string[], fields: Partial<CheckSpec> = {}) {
  const spec = { ...EMPTY_SPEC, interval: 1000, dockerContainerId: 'muster-check', args, ...fields };
  return docker.probe(spec, { signal: new AbortController().signal, outputMaxSize: 4096 });
}

describe.skipIf(missing.length > 0)('docker check of a real container', () => {
  it.for([
    [0, 'passing'],
    [1, 'warning'],
    [3, 'critical'],
  ] as const)('exit code %d is %s', async ([code, status], { skip }) => {
    skip(trouble !== undefined, trouble);
    const outcome = await probe(['/bin/sh', '-c', `echo out; echo error >&2; exit ${code}`]);
    expect(outcome.status).toBe(status);
    expect(outcome.output.split('\n').sort()).toEqual(['', 'error', 'out']);
  });

  it('uses a shell when one is asked for', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    expect(await probe(['echo in the container; exit 1'], { shell: '/bin/sh' })).toEqual({
      status: 'warning',
      output: 'in the container\n',
    });
    // The engine tells by the exit code, and by its words in the output.
    expect((await probe(['no-such-program'])).status).toBe('critical');
  });

  it('is critical for a container that is not there', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    expect(await probe(['true'], { dockerContainerId: 'nobody' })).toEqual({
      status: 'critical',
      output: 'No such container: nobody',
    });
  });

  it('is critical when the command takes too long', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    const spec = {
      ...EMPTY_SPEC,
      interval: 1000,
      dockerContainerId: 'muster-check',
      args: ['/bin/sh', '-c', 'echo so far; sleep 600'],
      timeout: 1000,
    };
    const again = () => docker.probe(spec, { signal: new AbortController().signal, outputMaxSize: 4096 });
    expect(await again()).toEqual({
      status: 'critical',
      output: 'Timed out (1s) running check\n\nso far\n',
    });
    expect((await again()).output).toBe('the run before has not ended yet');
  });
});
