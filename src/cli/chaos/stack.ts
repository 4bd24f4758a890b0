/** A stack that is started for the purpose, in a process of its own, as `muster up` runs it. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { MusterError, messageOf } from '../../errors.ts';

export interface RunningStack {
  /** Rejects when the stack ends by itself. */
  readonly ended: Promise<never>;
  /** Ends it as Ctrl-C does; resolves when it has ended. */
  stop(): Promise<void>;
}

/** What is shown of its output when it ends by itself, in characters. */
const LAST = 4_000;
/** So long it may take to drain, in ms; then it is killed. */
const STOPS_WITHIN = 60_000;

/** `output`: a file that gets all that it prints. */
export function startStack(file: string, output: string | undefined): RunningStack {
  const [program = 'muster'] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, program, 'up', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is for us: the report comes first.
    detached: true,
  });
  const copy = output === undefined ? undefined : createWriteStream(output);
  let last = '';
  const keep = (chunk: Buffer): void => {
    last = (last + chunk.toString()).slice(-LAST);
    copy?.write(chunk);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (cause) => resolve(messageOf(cause)));
    child.once('close', (code, signal) => resolve(signal === null ? `code ${code}` : signal));
  });
  let stopping = false;
  const ended = exited.then((how): Promise<never> => {
    copy?.end();
    // Whoever stopped it waits for nothing more from here.
    if (stopping) return new Promise(() => {});
    throw new MusterError('usage', `the stack ${file} ended with ${how}. Its last lines:\n${last.trim()}`);
  });
  // A run that is over does not look here any more.
  ended.catch(() => {});
  return {
    ended,
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOPS_WITHIN);
      await exited;
      clearTimeout(timer);
    },
  };
}
