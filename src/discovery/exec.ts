import { runProgram } from '../lib/run-program.ts';
import { BackendPattern } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { backendsOfLines } from './lines.ts';
import { type PollOptions, poll } from './poll.ts';

export interface ExecDiscoveryOptions extends PollOptions {
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
}

const MAX_OUTPUT = 16 * 1024 * 1024;

/** What a program writes, one instance a line. */
export function followExec(options: ExecDiscoveryOptions, listener: InstanceListener): Discovery {
  const { command, log } = options;
  const pattern = new BackendPattern();
  const list = async (signal: AbortSignal) => {
    const { code, output } = await runProgram(command, { signal, maxOutput: MAX_OUTPUT });
    if (code !== 0)
      throw new Error(`${command[0]} ended with ${code === null ? 'a signal' : `exit code ${code}`}`);
    return { backends: backendsOfLines(output.toString(), pattern, 'exec', log) };
  };
  return poll({ kind: 'exec', timeout: 3_000, list }, options, listener);
}
