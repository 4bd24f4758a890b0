/** Programs that templates ask while they are rendered (`plugin`): what one prints is the value. */
import { type ChildProcess, spawn } from 'node:child_process';
import { formatDuration } from '../lib/duration.ts';
import { signalTo } from './command.ts';
import { trimSpace } from './functions/strings.ts';
import { fromBytes } from './language/index.ts';

export interface PluginCall {
  /** Names the call: the same program with the same words has the same one. */
  readonly id: string;
  readonly program: string;
  readonly words: readonly string[];
}

export type PluginResult = { readonly value: string } | { readonly failure: string };

/** Consul-template's. */
const TIMEOUT = 30_000;
/** Of what it prints (bytes); what prints more has failed. */
const MAX_OUTPUT = 16 * 2 ** 20;

export function pluginCall(program: string, given: readonly string[]): PluginCall {
  const words = given.map(trimSpace).filter((word) => word !== '');
  return {
    id: `plugin(${[program, ...words].map((word) => JSON.stringify(word)).join(' ')})`,
    program,
    words,
  };
}

/** Runs it to its end, with all of our environment. Never rejects. */
export function runPlugin({ program, words }: PluginCall, timeout = TIMEOUT): Promise<PluginResult> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(program, words, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let why: string | undefined;
    const giveUp = (reason: string): void => {
      why ??= reason;
      signalTo(child, 'SIGKILL', true);
    };
    const output = collect(child.stdout, () => giveUp(`printed more than ${MAX_OUTPUT} bytes`));
    const errors = collect(child.stderr, () => {});
    const timer = setTimeout(
      () => giveUp(`did not end within ${formatDuration(timeout)} and was killed`),
      timeout,
    );
    const end = (failure: string | undefined): void => {
      clearTimeout(timer);
      const said = trimSpace(errors());
      if (failure === undefined) resolve({ value: trimSpace(output()) });
      else
        resolve({ failure: `exec ${JSON.stringify(program)}: ${failure}${said === '' ? '' : `: ${said}`}` });
    };
    child.once('error', (cause) => end(`could not be started: ${cause.message}`));
    child.once('close', (code, signal) =>
      end(
        why ??
          (code === 0 ? undefined : signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
      ),
    );
  });
}

/** What a stream says, up to the bound; `tooMuch` is called when there is more. */
function collect(stream: ChildProcess['stdout'], tooMuch: () => void): () => string {
  const parts: Buffer[] = [];
  let size = 0;
  stream?.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= MAX_OUTPUT) parts.push(part);
    else tooMuch();
  });
  return () => fromBytes(Buffer.concat(parts));
}
