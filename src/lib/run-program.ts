import { type ChildProcess, spawn } from 'node:child_process';

export interface ProgramOutcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** The one that ended it. */
  readonly signal: NodeJS.Signals | null;
  /** Standard output, at most `maxOutput` bytes of it. */
  readonly output: Buffer;
}

export interface RunProgramOptions {
  /** Aborting it ends the program and everything it started. */
  readonly signal: AbortSignal;
  /** Bytes of output; a program that writes more is ended. */
  readonly maxOutput: number;
  /** Told what it writes to standard error; undefined: nobody is. */
  readonly onErrors?: (chunk: Buffer) => void;
}

/**
 * Runs a program without a shell and waits for its end, not for what it left running. It leads a process group of its own, which is
 * killed with it. Rejects when it cannot be started, is ended by the signal or writes too much.
 */
export function runProgram(
  [program = '', ...args]: readonly string[],
  { signal, maxOutput, onErrors }: RunProgramOptions,
): Promise<ProgramOutcome> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const errors = onErrors === undefined ? 'ignore' : 'pipe';
    const child: ChildProcess = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', errors] });
    const chunks: Buffer[] = [];
    let size = 0;
    let closing: NodeJS.Timeout | undefined;
    let isOver = false;
    const end = (settle: () => void) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(closing);
      signal.removeEventListener('abort', onAbort);
      killGroup(child.pid);
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxOutput) end(() => reject(new Error(`${program} writes more than ${maxOutput} bytes`)));
    });
    child.stderr?.on('data', (chunk: Buffer) => onErrors?.(chunk));
    for (const stream of [child.stdout, child.stderr]) stream?.on('error', () => {});
    child.on('error', (error) => end(() => reject(error)));
    child.on('exit', (code, endedBy) => {
      const done = () => end(() => resolve({ code, signal: endedBy, output: Buffer.concat(chunks) }));
      // What it wrote is in the pipes by now; something that it left running may hold them open for ever.
      child.once('close', done);
      closing = setTimeout(done, CLOSING).unref();
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
