/** What a verb of the command line is, and its row of the table in `verbs.ts`. */
import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors.ts';
import type { Flags, FlagValues } from './flags.ts';

/** Where a verb writes and what it finds around it; tests pass their own. */
export interface Terminal {
  /** Text for standard output, as it is. */
  out(text: string): void;
  /** Text for standard error, as it is. */
  err(text: string): void;
  stdin: Readable;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output may be coloured. */
  color: boolean;
  /** Whether standard output is a screen, on which what was drawn can be drawn over. Default: it is none. */
  isScreen?: boolean;
}

export interface Call<F extends Flags> {
  flags: FlagValues<F>;
  args: string[];
  terminal: Terminal;
}

export interface Example {
  command: string;
  /** What it does, when the command does not say it. */
  does?: string;
}

export interface Verb<F extends Flags = Flags> {
  /** What stands behind the flags: "URL", "[STACK]" may be left out, "FILE..." may be repeated. */
  args: readonly string[];
  /** The first is shown first of all. */
  examples: readonly [Example, ...Example[]];
  flags: F;
  /** Flags end at the first argument, as what follows is a command with flags of its own. */
  runsCommand?: boolean;
  /** More than one sentence about it, for the help. */
  about?: string;
  /** Exit codes of its own for errors with a code; undefined for the usual one. */
  exitCode?(code: ErrorCode): number | undefined;
  /** Resolves with the exit code, 0 when there is none. */
  run(call: Call<F>): Promise<number | undefined>;
}

/** Types a verb by its own flags. */
export function verb<F extends Flags>(its: Verb<F>): Verb<F> {
  return its;
}

/** What is known of a verb without its file. */
export interface Row {
  summary: string;
  /** The verb, from its file. */
  load(): Promise<Verb>;
}

export type Verbs = Readonly<Record<string, Row>>;

/** A verb with what its row says. */
export interface WholeVerb extends Verb, Pick<Row, 'summary'> {}

export type WholeVerbs = Readonly<Record<string, WholeVerb>>;

/** For what tells of every verb: completion, manual pages, the reference. */
export async function loadAll(verbs: Verbs): Promise<WholeVerbs> {
  const whole = Object.entries(verbs).map(
    async ([name, { summary, load }]): Promise<[string, WholeVerb]> => [name, { summary, ...(await load()) }],
  );
  return Object.fromEntries(await Promise.all(whole));
}

/** How many arguments a verb takes. */
export function arityOf({ args }: Verb): { least: number; most: number } {
  return {
    least: args.filter((arg) => !arg.startsWith('[')).length,
    most: args.some((arg) => arg.replace(']', '').endsWith('...')) ? Number.POSITIVE_INFINITY : args.length,
  };
}
