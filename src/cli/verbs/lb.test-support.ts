import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Authority } from '../../proxy/tls/fixtures.ts';

/** The real program: signals, worker threads and exit codes are what matters. */
export let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-lb-'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  await build({
    stdin: {
      contents: `import { run } from './src/cli/run.ts';
        import { lb } from './src/cli/verbs/lb.ts';
        const terminal = { env: process.env, out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) };
        process.exitCode = await run({ lb: { summary: '', load: async () => lb } }, process.argv.slice(2), terminal);`,
      resolveDir: resolve('.'),
      loader: 'ts',
    },
    outfile: join(folder, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
  await build({
    entryPoints: ['src/proxy/worker.ts'],
    outfile: join(folder, 'proxy-worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

export const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Backend {
  port: number;
  stop(): Promise<void>;
}

export async function backend(
  name: string,
  answer = (response: http.ServerResponse) => void response.end(name),
) {
  const server = http.createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  closers.push(stop);
  return { port: (server.address() as { port: number }).port, stop } satisfies Backend;
}

export function muster(...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, [join(folder, 'main.js'), 'lb', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part) => {
      seen.text += part;
    });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  closers.push(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, seen, exit };
}

/** A balancer that listens on a free port. */
export async function balancer(upstreams: string, ...words: string[]) {
  const running = muster('-listen', '127.0.0.1:0', '-upstream', upstreams, ...words);
  for (;;) {
    const port = /listen="?127\.0\.0\.1:(\d+)/.exec(running.seen.text)?.[1];
    if (port !== undefined) return { ...running, url: `http://127.0.0.1:${port}/` };
    if (running.child.exitCode !== null) throw new Error(running.seen.text);
    await new Promise((later) => setTimeout(later, 10));
  }
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((later) => setTimeout(later, 5));
}

export const ask = async (url: string) => {
  const answer = await fetch(url);
  return `${answer.status} ${await answer.text()}`;
};

/** Writes a new certificate for a name into the files. */
export function renewing(authority: Authority, cert: string, key: string): (name: string) => void {
  return (name) => {
    const pair = authority.issue({ names: [name] });
    writeFileSync(key, pair.key);
    writeFileSync(cert, pair.cert);
  };
}
