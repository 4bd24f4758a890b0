/** What verbs print both for people and, on request, as JSON for programs, with Consul's `-format` too. */
import { writeFile } from 'node:fs/promises';
import { fileTrouble, MusterError } from '../errors.ts';
import type { Flags, FlagValues } from './flags.ts';
import type { Terminal } from './verb.ts';

export const JSON_FLAG = {
  json: { kind: 'boolean', summary: 'Print JSON, for programs.' },
} as const satisfies Flags;

export const OUTPUT_FLAGS = {
  format: {
    kind: 'string',
    choices: ['pretty', 'json'],
    summary: 'How it is printed.',
    default: 'pretty',
  },
  ...JSON_FLAG,
} as const;

export type OutputValues = FlagValues<typeof OUTPUT_FLAGS>;

export function wantsJson({ format, json }: OutputValues): boolean {
  return json === true || format === 'json';
}

/** `value` as JSON that a person can read too. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Prints what a command made or found; `lines` is for people. */
export function show<T>(
  terminal: Terminal,
  flags: OutputValues & { meta?: boolean },
  value: T,
  lines: (value: T, meta: boolean) => string,
): void {
  if (wantsJson(flags)) terminal.out(`${JSON.stringify(value, null, 4)}\n`);
  // Consul ends every text with a line break of its own, whatever it ends with.
  else terminal.out(`${lines(value, flags.meta ?? false)}\n`);
}

/** A file that was asked for by a flag. Throws `request.invalid` when it cannot be written. */
export async function writeResult(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new MusterError('request.invalid', `cannot write ${file}: ${fileTrouble(error)}`);
  });
}
