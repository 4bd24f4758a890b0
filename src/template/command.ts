/** Commands that templates run: to the end, within their time, with all that they started. */
import type { ChildProcess } from 'node:child_process';
import { fileTrouble } from '../errors.ts';
import { signalNumber } from '../lib/command.ts';
import { formatDuration } from '../lib/duration.ts';
import { spawnProgram } from '../lib/spawn-program.ts';
import { globOf } from './functions/table.ts';
import type { CommandWords, EnvironmentFilter } from './settings.ts';

/** Of a command's output that is kept for messages (characters). */
const KEPT_OUTPUT = 4_000;

export interface RunOptions {
  /** Milliseconds; 0: no limit. */
  readonly timeout: number;
  readonly environment: EnvironmentFilter;
  /** Keep what it prints instead of passing it on. */
  readonly keepsOutput: boolean;
  /** Always through a shell. */
  readonly shell?: boolean;
  /** Variables besides. */
  readonly extra?: Readonly<Record<string, string>>;
}

export interface Ended {
  /** "timeout": it was killed; a text otherwise says why it could not be started. */
  readonly code: number | 'timeout' | { readonly failure: string };
  readonly output: string;
}

/** One text with spaces in it is for a shell. */
export function isForShell(words: CommandWords): boolean {
  return words.length === 1 && /\s/.test((words[0] as string).trim());
}

/** The environment that a filter lets through. What is denied is denied, also when it is allowed. */
export function environmentFor(
  { pristine, custom, allow, deny }: EnvironmentFilter,
  from: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const allowed = allow.map(globOf);
  const denied = deny.map(globOf);
  const passes = (name: string): boolean =>
    !pristine &&
    (allowed.length === 0 || allowed.some((pattern) => pattern.test(name))) &&
    !denied.some((pattern) => pattern.test(name));
  const kept = Object.entries(from).filter(([name, value]) => value !== undefined && passes(name));
  const added = custom.map((pair) => {
    const at = pair.indexOf('=');
    return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries([...kept, ...Object.entries(extra), ...added]);
}

/** Starts a command; one for a shell leads a process group of its own, so that it can be ended with all it started. */
export function startProcess(
  words: CommandWords,
  environment: Record<string, string>,
  options: { output: 'pipe' | 'inherit'; input: 'ignore' | 'inherit'; group: boolean; shell?: boolean },
): ChildProcess {
  const text = (words[0] ?? '').trim();
  const [program = '', ...args] =
    options.shell === true || isForShell(words) ? ['/bin/sh', '-c', text] : [text, ...words.slice(1)];
  return spawnProgram(program, args, {
    env: environment,
    detached: options.group,
    stdio: [options.input, options.output, options.output],
  });
}

export function signalTo(child: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  if (child.pid === undefined) return;
  // A group may outlive the one that leads it.
  if (!group && (child.exitCode !== null || child.signalCode !== null)) return;
  try {
    process.kill(group ? -child.pid : child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/** Runs a command to its end. Never rejects. */
export function runCommand(words: CommandWords, options: RunOptions): Promise<Ended> {
  const { timeout, environment, keepsOutput, shell = false, extra } = options;
  return new Promise((resolve) => {
    let output = '';
    const child = startProcess(words, environmentFor(environment, process.env, extra), {
      output: keepsOutput ? 'pipe' : 'inherit',
      input: 'ignore',
      group: true,
      shell,
    });
    const keep = (data: Buffer): void => {
      if (output.length < KEPT_OUTPUT) output += data.toString('utf8').slice(0, KEPT_OUTPUT - output.length);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const timer =
      timeout === 0
        ? undefined
        : setTimeout(() => {
            signalTo(child, 'SIGKILL', true);
            end('timeout');
          }, timeout);
    const end = (code: Ended['code']): void => {
      clearTimeout(timer);
      resolve({ code, output });
    };
    child.once('error', (cause) => end({ failure: fileTrouble(cause) }));
    child.once('close', (code, signal) => end(code ?? 128 + signalNumber(signal)));
  });
}

/** For messages: "ended with code 3". `timeout` in milliseconds. */
export function howItEnded(code: Ended['code'], timeout: number): string {
  if (code === 'timeout') return `did not end within ${formatDuration(timeout)} and was killed`;
  return typeof code === 'object' ? `could not be started: ${code.failure}` : `ended with code ${code}`;
}
