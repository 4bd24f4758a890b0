/** Commands that are run for users, with all that they start. */
import type { StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { MusterError, messageOf } from '../errors.ts';
import { spawnProgram } from './spawn-program.ts';

/** After SIGTERM a command has this long, then it is killed. Consul's. */
const GRACE = 5_000;

export interface CommandOptions {
  /** The words as one line for a shell, as Consul does unless told otherwise. */
  shell: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** What it reads on standard input; undefined: what this program reads. */
  input?: string | undefined;
  /** Told what it writes; undefined: it writes where this program does. */
  onOutput?: ((text: string) => void) | undefined;
}

/** A command in a process group of its own. */
export interface Command {
  /** The exit code, or 128 and the number of the signal as shells count; rejects when it cannot be started. */
  readonly ended: Promise<number>;
  /** Ends it with all that it started; resolves when it has ended. */
  stop(): Promise<void>;
}

/** Null stands for what nobody knows, which is mostly SIGKILL. */
export const signalNumber = (signal: NodeJS.Signals | null): number => constants.signals[signal ?? 'SIGKILL'];

export function startCommand(
  words: readonly string[],
  { shell, env, input, onOutput }: CommandOptions,
): Command {
  const [program = '', ...args] = shell ? ['/bin/sh', '-c', words.join(' ')] : words;
  const output = onOutput === undefined ? 'inherit' : 'pipe';
  const stdio: StdioOptions = [input === undefined ? 'inherit' : 'pipe', output, output];
  const child = spawnProgram(program, args, { stdio, env: { ...env }, detached: true });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new MusterError('usage', `cannot run ${program}: ${messageOf(cause)}`, { cause })),
    );
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => onOutput?.(data.toString()));
  // A command that does not read to the end is its own business.
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  };
  return {
    ended,
    async stop() {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), GRACE);
      await ended.catch(() => {});
      clearTimeout(timer);
    },
  };
}
