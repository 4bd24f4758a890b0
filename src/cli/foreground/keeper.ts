/**
 * What a process does that was replaced and is still watched by whoever started it (a shell, a supervisor, a container): it
 * stands for the one that serves. Signals go on to that one, and it ends when that one ends, as it did.
 *
 * The line between them is a socket that each process hands on to the next; the keeper alone reads it: "pid N" when one
 * serves, "exit N" when it ends in order. When the line closes, nobody serves any more; when the keeper ends, the one that
 * serves sees it close.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const PASSED_ON: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

export class Keeper {
  #pid: number;
  #code: number | undefined;
  /** Resolves with the exit code of the last one that served; undefined: it died. */
  readonly ended: Promise<number | undefined>;

  /** From now on signals are passed on. `lifeline`: this process's end; `pid`: of the one that serves. */
  constructor(lifeline: Readable, pid: number) {
    this.#pid = pid;
    const lines = createInterface({ input: lifeline });
    lines.on('line', (line) => {
      const [word, number] = line.split(' ');
      if (word === 'pid') this.#pid = Number(number);
      if (word === 'exit') this.#code = Number(number);
    });
    this.ended = new Promise((resolve) => {
      lines.once('close', () => resolve(this.#code));
      lifeline.once('error', () => resolve(this.#code));
    });
    for (const signal of PASSED_ON) process.on(signal, this.#pass);
  }

  /** Passes no more signals on. */
  close(): void {
    for (const signal of PASSED_ON) process.off(signal, this.#pass);
  }

  readonly #pass = (signal: NodeJS.Signals): void => {
    try {
      process.kill(this.#pid, signal);
    } catch {
      // It has just ended.
    }
  };
}
