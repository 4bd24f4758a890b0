import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

async function reload(pid: number) {
  const said = { text: '' };
  const note = (text: string) => {
    said.text += text;
  };
  const terminal = { out: note, err: note, stdin: Readable.from([]), env: {}, color: false };
  const code = await run(verbs, ['reload', '-process', `-pid=${pid}`], terminal);
  return { code, text: said.text };
}

/** A program that says when it runs. */
async function program(script: string) {
  const child = spawn(
    process.execPath,
    ['-e', `${script}; console.log('runs'); setInterval(() => {}, 1e6)`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { child, pid: child.pid ?? 0 };
}

it.runIf(existsSync('/proc/self/status'))(
  'sends no signal to a process that it would end, and says so',
  async () => {
    const { child, pid } = await program('');
    expect(await reload(pid)).toMatchObject({ code: 2, text: expect.stringContaining('does not listen to') });
    child.kill('SIGTERM');
    // It was there until then: the first signal that it got is this one.
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  },
);

it('asks one that listens', async () => {
  const { child, pid } = await program("process.once('SIGUSR2', () => console.log('asked'))");
  const heard = once(child.stdout, 'data');
  expect(await reload(pid)).toMatchObject({ code: 0 });
  expect(String(await heard)).toContain('asked');
});

it.each([0, -1])('takes %i for no process: it would be many', async (pid) => {
  expect(await reload(pid)).toMatchObject({ code: 2, text: expect.stringContaining('expected the id') });
});
