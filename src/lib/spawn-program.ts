import { ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/**
 * Starts a program. Whatever keeps it from starting is told by the child's `error`: Node throws what it holds to be rarer than a
 * missing file, such as a program that is being written at this moment (ETXTBSY) or an environment that is too large (E2BIG).
 */
export function spawnProgram(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (error) {
    const child = new ChildProcess();
    process.nextTick(() => child.emit('error', error));
    return child;
  }
}
