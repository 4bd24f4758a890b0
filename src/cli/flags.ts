/**
 * Flags as Go programs take them, which is what users of Consul type: `-flag`, `--flag`, `-flag=value` and
 * `-flag value`; a boolean takes its value only after `=`, with few exceptions. Unlike there, flags may stand behind arguments too;
 * `--` ends them.
 */
import { MusterError } from '../errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { nearest } from '../lib/nearest.ts';

/** How the text behind a flag is read. A further kind is one line here. */
const KINDS = {
  /** Needs no value. */
  boolean: (text: string) => BOOLEANS[text.toLowerCase()],
  string: (text: string) => text,
  integer: (text: string) => (/^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined),
  number: (text: string) => (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : undefined),
  /** Milliseconds behind the parser. */
  duration: (text: string) => parseDuration(text),
  /** May be given several times. */
  list: (text: string) => text,
} as const;

const EXPECTED: Record<keyof typeof KINDS, string> = {
  boolean: 'true or false',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  duration: 'a duration such as 10s or 1m30s',
  list: 'a text',
};

/** What Go's `ParseBool` takes. */
const BOOLEANS: Record<string, boolean> = { 1: true, t: true, true: true, 0: false, f: false, false: false };

export type FlagKind = keyof typeof KINDS;

export interface Flag {
  kind: FlagKind;
  summary: string;
  /** What stands for the value in the help: "FILE". */
  value?: string;
  /** The only values it takes. */
  choices?: readonly string[];
  /** As the help shows it. */
  default?: string;
  /** Known, but not among those that the help lists one by one. */
  hidden?: boolean;
  /** Flags that many verbs have: the help shows them behind those of the verb itself. */
  group?: 'connection';
  /** Of a boolean: true or false may stand behind it without "=", as where Consul reads a text there. */
  mayStandApart?: true;
  /** A list to which its values are added instead of one of its own: the order among both counts. */
  into?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F['kind'] extends 'boolean'
  ? boolean
  : F['kind'] extends 'integer' | 'number' | 'duration'
    ? number
    : F['kind'] extends 'list'
      ? string[]
      : F extends { choices: readonly (infer Choice extends string)[] }
        ? Choice
        : string;

/** What was given: flags that were not are absent. */
export type FlagValues<F extends Flags> = { [Name in keyof F]?: ValueOf<F[Name]> };

export interface Parsed<F extends Flags> {
  flags: FlagValues<F>;
  args: string[];
  /** `-help` or `-h` was among them; the rest was not looked at. */
  help: boolean;
}

/**
 * Throws `usage` with a sentence that names the flag. With `endAtArgument` the first argument ends the flags: what
 * follows may be a command with flags of its own.
 */
export function parseFlags<F extends Flags>(
  known: F,
  words: readonly string[],
  { endAtArgument = false }: { endAtArgument?: boolean } = {},
): Parsed<F> {
  const values: Record<string, boolean | number | string | string[]> = {};
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') {
      args.push(...words.slice(at + 1));
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(word);
    // "-" is standard input, "-5" a value: neither is a flag.
    if (match === null || (/^-[\d.]/.test(word) && !Object.hasOwn(known, match[1] as string))) {
      if (endAtArgument) {
        args.push(...words.slice(at));
        break;
      }
      args.push(word);
      continue;
    }
    const name = match[1] as string;
    const flag = Object.hasOwn(known, name) ? known[name] : undefined;
    if (flag === undefined) {
      if (name === 'help' || name === 'h') return { flags: {}, args: [], help: true };
      const near = nearest(name, Object.keys(known));
      throw new MusterError(
        'usage',
        `unknown flag -${name}${near === undefined ? '' : `; did you mean -${near}?`}`,
      );
    }
    let text = match[2];
    if (text === undefined && flag.kind === 'boolean') {
      const next = flag.mayStandApart ? words[at + 1] : undefined;
      const isValue = next !== undefined && KINDS.boolean(next) !== undefined;
      if (isValue) at++;
      text = isValue ? next : 'true';
    }
    if (text === undefined) {
      text = words[++at];
      if (text === undefined) throw new MusterError('usage', `-${name} needs a value: ${expected(flag)}`);
    }
    const value = KINDS[flag.kind](text);
    if (value === undefined || (flag.choices !== undefined && !flag.choices.includes(text))) {
      const near = flag.choices === undefined ? undefined : nearest(text, flag.choices);
      throw new MusterError(
        'usage',
        `-${name}: expected ${expected(flag)}, got "${text}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    const list = flag.into ?? name;
    if (flag.kind === 'list') values[list] = [...((values[list] as string[] | undefined) ?? []), text];
    else values[name] = value;
  }
  return { flags: values as FlagValues<F>, args, help: false };
}

function expected(flag: Flag): string {
  return flag.choices === undefined ? EXPECTED[flag.kind] : `one of ${flag.choices.join(', ')}`;
}
