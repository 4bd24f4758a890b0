import { type Running, until } from '../../scripts/support/processes.mjs';

/** Pids of those that said that they serve, the first one included. */
export function served(program: Running): number[] {
  const told = [...program.output().matchAll(/process (\d+) serves from now on/g)].map(([, pid]) =>
    Number(pid),
  );
  return [program.pid, ...told];
}

/** Has the one that serves be replaced; resolves when the other serves. */
export async function replace(program: Running): Promise<void> {
  const before = served(program);
  process.kill(before.at(-1) as number, 'SIGUSR2');
  await until('the next process to serve', () => served(program).length > before.length, { program });
}
