/** Programs that templates ask while they are rendered (`plugin`): what one prints is the value. */
import { messageOf } from '../errors.ts';
import { signalNumber } from '../lib/command.ts';
import { runProgram } from '../lib/run-program.ts';
import { howItEnded } from './command.ts';
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
/** Of what it says beside that, which stands behind the reason (bytes). */
const MAX_ERRORS = 4_000;

export function pluginCall(program: string, given: readonly string[]): PluginCall {
  const words = given.map(trimSpace).filter((word) => word !== '');
  return {
    id: `plugin(${[program, ...words].map((word) => JSON.stringify(word)).join(' ')})`,
    program,
    words,
  };
}

/** Runs it to its end, with all of our environment. What it leaves running ends with it. Never rejects. */
export async function runPlugin({ program, words }: PluginCall, signal: AbortSignal): Promise<PluginResult> {
  const limit = AbortSignal.timeout(TIMEOUT);
  const errors: Buffer[] = [];
  let size = 0;
  const failed = (why: string): PluginResult => {
    const said = trimSpace(fromBytes(Buffer.concat(errors)));
    return { failure: `exec ${JSON.stringify(program)}: ${why}${said === '' ? '' : `: ${said}`}` };
  };
  try {
    const ended = await runProgram([program, ...words], {
      signal: AbortSignal.any([signal, limit]),
      maxOutput: MAX_OUTPUT,
      onErrors(chunk) {
        if (size < MAX_ERRORS) errors.push(chunk.subarray(0, MAX_ERRORS - size));
        size += chunk.length;
      },
    });
    if (ended.code === 0) return { value: trimSpace(fromBytes(ended.output)) };
    return failed(howItEnded(ended.code ?? 128 + signalNumber(ended.signal), TIMEOUT));
  } catch (error) {
    return failed(limit.aborted ? howItEnded('timeout', TIMEOUT) : messageOf(error));
  }
}
