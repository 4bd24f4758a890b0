import { spawn } from 'node:child_process';

export interface ProgramOutcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** Standard output, at most `maxOutput` bytes of it. */
  readonly output: string;
}

export interface RunProgramOptions {
  /** Aborting it ends the program and everything it started. */
  readonly signal: AbortSignal;
  /** Bytes of output; a program that writes more is ended. */
  readonly maxOutput: number;
}

/**
 * Runs a program without a shell and waits for its end, not for what it left running. It leads a process group of its own, which is
 * killed with it. Rejects when it cannot be started, is ended by the signal or writes too much.
 */
export function runProgram(
  [program = '', ...args]: readonly string[],
  { signal, maxOutput }: RunProgramOptions,
): Promise<ProgramOutcome> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort);
      killGroup(child.pid);
      child.stdout.destroy();
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxOutput) end(() => reject(new Error(`${program} writes more than ${maxOutput} bytes`)));
    });
    child.stdout.on('error', () => {});
    child.on('error', (error) => end(() => reject(error)));
    child.on('exit', (code) => {
      // What it wrote is in the pipe by now; something that it left running may hold the pipe open for ever.
      const done = () => end(() => resolve({ code, output: Buffer.concat(chunks).toString() }));
      if (child.stdout.readableEnded) done();
      else {
        child.stdout.once('end', done);
        setTimeout(done, CLOSING).unref();
      }
    });
  });
}

/** How long (ms) an output may stay open after the program has ended. */
const CLOSING = 250;

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}
