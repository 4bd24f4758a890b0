import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, statusOfExit } from '../kind.ts';
import { capturedOutput, Tail } from '../output.ts';
import { argvOf, type CheckSpec } from '../spec.ts';

/** Consul's default for scripts that were given no timeout. */
const DEFAULT_TIMEOUT = 30_000;
/**
 * How long the output may stay open after the program has ended, in ms. What it wrote is in the pipe by then; only
 * something that it put into a session of its own can hold the pipe open, and is not waited for.
 */
const CLOSING = 250;

/**
 * Runs a program: exit code 0 passes, 1 warns, any other is critical. The program leads a process group of its own,
 * which ends with it: at the timeout, when the check goes, and when the program is done. It has the environment and
 * the working directory of the agent and no input. No shell is involved unless one is asked for.
 */
export const script: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.args.length > 0 && spec.dockerContainerId === '' && spec.interval > 0,
  probe,
};

/**
 * Programs that have not ended. One that waits for a dead disk outlives its kill: its check is critical, and no second
 * one is started beside it.
 */
const running = new WeakMap<CheckSpec, ChildProcess>();

function probe(spec: CheckSpec, { signal, outputMaxSize }: ProbeContext): Promise<Outcome> {
  if (running.has(spec)) return Promise.resolve(critical('the run before was killed and has not ended yet'));
  const [program = '', ...args] = argvOf(spec);
  const output = new Tail(outputMaxSize);
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      resolve(critical(startError(program, error)));
      return;
    }
    running.set(spec, child);
    let closing: NodeJS.Timeout | undefined;
    let isOver = false;
    const end = (outcome: Outcome) => {
      isOver = true;
      clearTimeout(timer);
      clearTimeout(closing);
      signal.removeEventListener('abort', stop);
      if (running.has(spec)) killGroup(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(outcome);
    };
    const stop = () => end(critical('stopped'));
    const timeout = spec.timeout || DEFAULT_TIMEOUT;
    const timer = setTimeout(() => {
      const soFar = capturedOutput(output);
      const what = `Timed out (${formatDuration(timeout)}) running check`;
      end(critical(soFar === '' ? what : `${what}\n\n${soFar}`));
    }, timeout);
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => output.write(chunk));
      stream?.on('error', () => {});
    }
    child.on('error', (error) => {
      running.delete(spec);
      end(critical(startError(program, error)));
    });
    child.on('exit', (code) => {
      running.delete(spec);
      killGroup(child);
      if (isOver) return;
      const done = () => end({ status: statusOfExit(code), output: capturedOutput(output) });
      child.once('close', done);
      closing = setTimeout(done, CLOSING);
    });
    if (signal.aborted) stop();
  });
}

/** Ends all of a program's process group at once; harmless when nothing of it is left. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left, or what is left belongs to another user.
  }
}

/** Why a program could not be started, in the words that operators know from Consul. */
function startError(program: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && !program.includes('/'))
    return `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
  if (code === 'ENOENT') return `fork/exec ${program}: no such file or directory`;
  if (code === 'EACCES') return `fork/exec ${program}: permission denied`;
  return `exec: ${JSON.stringify(program)}: ${messageOf(error)}`;
}
