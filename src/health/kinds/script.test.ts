import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { soon } from '../../lib/soon.test-support.ts';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { script } from './script.ts';

const directory = mkdtempSync(join(tmpdir(), 'muster-script-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const specOf = (args: string[], fields: Partial<CheckSpec> = {}): CheckSpec => ({
  ...EMPTY_SPEC,
  interval: 1000,
  args,
  ...fields,
});

function run(
  args: string[],
  fields: Partial<CheckSpec> = {},
  { signal = new AbortController().signal, outputMaxSize = 4096 } = {},
) {
  return script.probe(specOf(args, fields), { signal, outputMaxSize });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody has waited for yet runs no more.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A shell command that leaves a child behind and writes its own and the child's process id to `file`. */
const withChild = (file: string, then: string) => `sleep 600 & echo $$ $! > ${file}; ${then}`;
const pidsIn = (file: string) => readFileSync(file, 'utf8').trim().split(' ').map(Number);

describe('script check', () => {
  it.each([
    [0, 'passing'],
    [1, 'warning'],
    [2, 'critical'],
    [255, 'critical'],
  ])('exit code %d is %s', async (code, status) => {
    expect(await run(['sh', '-c', `echo out; exit ${code}`])).toEqual({ status, output: 'out\n' });
  });

  it('keeps what is written to both outputs', async () => {
    const { output } = await run(['sh', '-c', 'echo bad >&2; exit 2']);
    expect(output).toBe('bad\n');
  });

  it('is critical when a signal ended the program', async () => {
    expect((await run(['sh', '-c', 'kill -TERM $$'])).status).toBe('critical');
  });

  it('keeps the end of a long output and says how long it was', async () => {
    const { output } = await run(['sh', '-c', 'printf "%01000dthe end" 0'], {}, { outputMaxSize: 10 });
    expect(output).toBe('Captured 10 of 1007 bytes\n...\n000the end');
  });

  it('involves no shell unless one is asked for', async () => {
    expect((await run(['echo', '$HOME; exit 1'])).output).toBe('$HOME; exit 1\n');
    expect(await run(['echo in a shell; exit 1'], { shell: '/bin/sh' })).toEqual({
      status: 'warning',
      output: 'in a shell\n',
    });
  });

  it("has the agent's environment and no input", async () => {
    vi.stubEnv('MUSTER_SCRIPT_TEST', 'from the agent');
    try {
      expect((await run(['sh', '-c', 'cat; echo $MUSTER_SCRIPT_TEST'])).output).toBe('from the agent\n');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('says why a program cannot be started', async () => {
    const plain = join(directory, 'plain');
    writeFileSync(plain, 'no program');
    chmodSync(plain, 0o644);
    expect(await run(['muster-no-such-program'])).toEqual({
      status: 'critical',
      output: 'exec: "muster-no-such-program": executable file not found in $PATH',
    });
    expect((await run(['/no/such/program'])).output).toBe(
      'fork/exec /no/such/program: no such file or directory',
    );
    expect((await run([plain])).output).toBe(`fork/exec ${plain}: permission denied`);
    expect((await run([''])).status).toBe('critical');
    expect((await run(['a\0b'])).status).toBe('critical');
  });

  it('ends the whole process group at the timeout, and keeps what was written until then', async () => {
    const file = join(directory, 'late');
    const outcome = await run(['sh', '-c', `echo so far; ${withChild(file, 'wait')}`], { timeout: 3000 });
    expect(outcome).toEqual({
      status: 'critical',
      output: 'Timed out (3s) running check\n\nso far\n',
    });
    for (const pid of pidsIn(file)) await soon(() => expect(isAlive(pid)).toBe(false));
  });

  it('leaves nothing running when it is taken away', async () => {
    const file = join(directory, 'stopped');
    const end = new AbortController();
    const running = run(['sh', '-c', withChild(file, 'wait')], {}, { signal: end.signal });
    await soon(() => expect(pidsIn(file)).toHaveLength(2));
    end.abort();
    await running;
    for (const pid of pidsIn(file)) await soon(() => expect(isAlive(pid)).toBe(false));
  });

  it('does not wait for what the program left behind, and ends it', async () => {
    const file = join(directory, 'left');
    expect(await run(['sh', '-c', withChild(file, 'echo done')])).toEqual({
      status: 'passing',
      output: 'done\n',
    });
    for (const pid of pidsIn(file)) await soon(() => expect(isAlive(pid)).toBe(false));
  });

  it('does not wait for what went into a session of its own with the output open', async () => {
    const file = join(directory, 'session');
    const outcome = await run(['sh', '-c', `setsid sleep 600 & echo $! > ${file}; echo done`], {
      timeout: 60_000,
    });
    for (const pid of pidsIn(file)) process.kill(pid, 'SIGKILL');
    expect(outcome).toEqual({ status: 'passing', output: 'done\n' });
  });

  it('starts no second program while the first has not ended', async () => {
    const spec = specOf(['sh', '-c', 'sleep 600']);
    const end = new AbortController();
    const context = { signal: end.signal, outputMaxSize: 4096 };
    const first = script.probe(spec, context);
    expect(await script.probe(spec, context)).toEqual({
      status: 'critical',
      output: 'the run before was killed and has not ended yet',
    });
    end.abort();
    await first;
  });
});
