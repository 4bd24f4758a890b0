/** From words to a verb, and from what it throws to a sentence and an exit code. */
import { type ErrorCode, isMusterError, MusterError, messageOf } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { whyAbsent } from './absent.ts';
import { parseFlags } from './flags.ts';
import { tellPredecessor } from './foreground/messages.ts';
import { helpOf, overview, usageOf } from './help.ts';
import { printable } from './printable.ts';
import { arityOf, type Terminal, type Verb, type Verbs } from './verb.ts';

/** Runs one command line (without "node" and "muster"). Resolves with the exit code; never rejects. */
export async function run(verbs: Verbs, words: readonly string[], terminal: Terminal): Promise<number> {
  let name = '';
  let verb: Verb | undefined;
  try {
    const found = findVerb(verbs, words);
    if ('overview' in found) {
      // Asked for it is an answer, otherwise it is what was missing.
      const text = await overview(verbs, found.overview);
      if (found.asked) terminal.out(text);
      else terminal.err(text);
      return found.asked ? 0 : 2;
    }
    name = found.name;
    const { summary, load } = verbs[name]!;
    verb = await load();
    const { flags, args, help } = parseFlags(verb.flags, found.rest, {
      endAtArgument: verb.runsCommand ?? false,
    });
    if (help) {
      terminal.out(helpOf(name, { summary, ...verb }));
      return 0;
    }
    const { least, most } = arityOf(verb);
    // "lb -f json from-file FILE": flags that both have may stand in front of the verb's further word, as cobra's programs take it.
    const [word = ''] = args;
    if (args.length > most && Object.hasOwn(verbs, `${name} ${word}`)) {
      const at = found.rest.indexOf(word);
      const rest = [...found.rest.slice(0, at), ...found.rest.slice(at + 1)];
      return await run(verbs, [...name.split(' '), word, ...rest], terminal);
    }
    if (args.length < least)
      throw new MusterError('usage', `${verb.args[args.length]} is missing. Usage: ${usageOf(name, verb)}`);
    if (args.length > most)
      throw new MusterError(
        'usage',
        `"${args[most]}" is one argument too many. Usage: ${usageOf(name, verb)}`,
      );
    return (await verb.run({ flags, args, terminal })) ?? 0;
  } catch (error) {
    terminal.err(
      complaint(error, { name, words, asksAgent: verb !== undefined && 'http-addr' in verb.flags }),
    );
    tellPredecessor(messageOf(error));
    return isMusterError(error) ? (verb?.exitCode?.(error.code) ?? error.exitCode) : 1;
  }
}

type Found = { name: string; rest: readonly string[] } | { overview: string; asked: boolean };

/** The verb with the most words that fits: "kv get" before "kv". Throws `usage` when there is none. */
function findVerb(verbs: Verbs, words: readonly string[]): Found {
  const [first = '', second = ''] = words;
  const isHelp = (word: string): boolean => /^(?:--?(?:help|h)|help)$/.test(word);
  if (first === '') return { overview: '', asked: false };
  if (isHelp(first)) {
    if (second === '') return { overview: '', asked: true };
    return findVerb(verbs, [...words.slice(1), '-help']);
  }
  if (/^--?(?:version|v)$/.test(first)) return { name: 'version', rest: words.slice(1) };
  for (const length of [3, 2, 1]) {
    const name = words.slice(0, length).join(' ');
    if (Object.hasOwn(verbs, name)) return { name, rest: words.slice(length) };
  }
  const absent = whyAbsent(first, second);
  if (absent !== undefined) throw new MusterError('request.rejected', absent);
  const names = Object.keys(verbs);
  const third = words[2] ?? '';
  const inner = `${first} ${second}`;
  if (names.some((name) => name.startsWith(`${inner} `)) && (third === '' || isHelp(third)))
    return { overview: inner, asked: third !== '' };
  const family = names.filter((name) => name.startsWith(`${first} `));
  if (family.length > 0) {
    if (second === '' || isHelp(second)) return { overview: first, asked: second !== '' };
    throw unknownVerb(`${first} ${second}`, family);
  }
  const heads = [...new Set(names.map((name) => name.split(' ')[0] as string))];
  throw unknownVerb(first, heads);
}

function unknownVerb(word: string, known: readonly string[]): MusterError {
  const near = nearest(word, known);
  const hint = near === undefined ? '"muster --help" lists all' : `did you mean "muster ${near}"?`;
  return new MusterError('usage', `there is no verb "${word}"; ${hint}`);
}

/** What other flags would have prevented: a mistake in them, a port that another program has. */
const BY_FLAGS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['usage', 'listen.in_use']);

/** One sentence with what to do; where it happened only for those who asked for it. */
function complaint(
  error: unknown,
  { name, words, asksAgent }: { name: string; words: readonly string[]; asksAgent: boolean },
): string {
  const from = name === '' ? 'muster' : `muster ${name}`;
  const debug = words.some((word) => /^--?log-level=(?:debug|trace)$/i.test(word));
  const stack = debug && error instanceof Error ? `\n${error.stack}` : '';
  // An answer of another shape than an agent gives, mostly of a server that is none.
  if (asksAgent && error instanceof TypeError)
    return `${from}: the answer cannot be understood (${messageOf(error)}). Is it a Muster or Consul agent that CONSUL_HTTP_ADDR or -http-addr names? The same command with -log-level=debug shows where it comes from${stack}\n`;
  if (!isMusterError(error))
    return `${from}: ${messageOf(error)} (unexpected; the same command with -log-level=debug shows where it comes from)${stack}\n`;
  const how = name !== '' && BY_FLAGS.has(error.code) ? `. "${from} --help" shows how` : '';
  return `${from}: ${printable(error.message)}${/[.?]$/.test(error.message) ? how.slice(1) : how}${stack}\n`;
}
