/**
 * Route commands, fabio's language for routes by hand:
 *
 *   route add SERVICE SOURCE DESTINATION [weight W] [tags "a,b"] [opts "strip=/x proto=tcp"]
 *   route del SERVICE [SOURCE [DESTINATION]] | route del SERVICE tags "a,b" | route del tags "a,b"
 *   route weight SERVICE SOURCE weight W [tags "a,b"] | route weight SOURCE weight W tags "a,b"
 *
 * One on a line; lines that begin with # or // and empty ones say nothing. Their order counts.
 */

/** Where a command stands. */
export interface CommandPlace {
  /** Counts over all texts, so that it tells the order. */
  readonly line: number;
  /** In words: "line 3", "line 3 of fabio/config". */
  readonly place: string;
}

export interface AddCommand extends CommandPlace {
  readonly command: 'add';
  readonly text: string;
  readonly service: string;
  readonly source: string;
  readonly destination: string;
  readonly weight: number;
  readonly tags: readonly string[];
  /** Words of `opts`. */
  readonly options: readonly string[];
}

export interface DeleteCommand extends CommandPlace {
  readonly command: 'del';
  /** "" for any, and likewise below. */
  readonly service: string;
  readonly source: string;
  readonly destination: string;
  /** A target must have all of them. */
  readonly tags: readonly string[];
}

export interface WeightCommand extends CommandPlace {
  readonly command: 'weight';
  readonly service: string;
  readonly source: string;
  /** Shared by all targets that match; 0 or less: no share of their own. */
  readonly weight: number;
  readonly tags: readonly string[];
}

export type RouteCommand = AddCommand | DeleteCommand | WeightCommand;

/** A line that could not be read. The others stay in force. */
export interface CommandProblem {
  readonly text: string;
  readonly reason: string;
}

export interface ReadCommands {
  readonly commands: readonly RouteCommand[];
  readonly problems: readonly CommandProblem[];
}

/** A text with commands: a file, a key, a setting. */
export interface CommandText {
  /** What messages call it; "" when there is only one. */
  readonly name: string;
  readonly text: string;
}

type Parse = (text: string, at: CommandPlace) => RouteCommand | undefined;

const TAGS = /(?:\s+tags\s+"([^"]*)")/.source;
const ADD = new RegExp(
  `^route\\s+add\\s+(\\S+)\\s+(\\S+)\\s+(\\S+)(?:\\s+weight\\s+(\\S+))?${TAGS}?(?:\\s+opts\\s+"([^"]*)")?$`,
);
const DEL_BY_TAGS = new RegExp(`^route\\s+del(?:\\s+(\\S+))??${TAGS}$`);
const DEL = /^route\s+del\s+(\S+)(?:\s+(\S+)(?:\s+(\S+))?)?$/;
const WEIGHT = new RegExp(`^route\\s+weight\\s+(\\S+)\\s+(\\S+)\\s+weight\\s+(\\S+)${TAGS}?$`);
const WEIGHT_BY_TAGS = new RegExp(`^route\\s+weight\\s+(\\S+)\\s+weight\\s+(\\S+)${TAGS}$`);

/** The commands by the word behind `route`, with how one is written. */
const COMMANDS = {
  add: {
    usage: 'route add SERVICE SOURCE DESTINATION [weight W] [tags "a,b"] [opts "name=value …"]',
    parse(text, at) {
      const [, service, source, destination, weight = '0', tags, options = ''] = ADD.exec(text) ?? [];
      const share = number(weight);
      if (service === undefined || source === undefined || destination === undefined || share === undefined)
        return undefined;
      const words = options.split(/\s+/).filter((word) => word !== '');
      return {
        command: 'add',
        ...at,
        text,
        service,
        source,
        destination,
        weight: share,
        tags: tagsOf(tags),
        options: words,
      };
    },
  },
  del: {
    usage: 'route del SERVICE [SOURCE [DESTINATION]] or route del [SERVICE] tags "a,b"',
    parse(text, at) {
      const byTags = DEL_BY_TAGS.exec(text);
      const [, service = '', source = '', destination = ''] = byTags === null ? (DEL.exec(text) ?? []) : [];
      if (byTags !== null) {
        const [, owner = '', tags] = byTags;
        return { command: 'del', ...at, service: owner, source: '', destination: '', tags: tagsOf(tags) };
      }
      return service === '' ? undefined : { command: 'del', ...at, service, source, destination, tags: [] };
    },
  },
  weight: {
    usage: 'route weight SERVICE SOURCE weight W [tags "a,b"] or route weight SOURCE weight W tags "a,b"',
    parse(text, at) {
      const [, service, source, weight = '', tags] = WEIGHT.exec(text) ?? bySource(text) ?? [];
      const share = number(weight);
      if (service === undefined || source === undefined || share === undefined) return undefined;
      return { command: 'weight', ...at, service, source, weight: share, tags: tagsOf(tags) };
    },
  },
} as const satisfies Record<string, { usage: string; parse: Parse }>;

function bySource(text: string): (string | undefined)[] | undefined {
  const [whole, source, weight, tags] = WEIGHT_BY_TAGS.exec(text) ?? [];
  return whole === undefined ? undefined : [whole, '', source, weight, tags];
}

/** Reads all lines of all texts; those that are wrong are told with their places. */
export function parseCommands(texts: readonly CommandText[]): ReadCommands {
  const commands: RouteCommand[] = [];
  const problems: CommandProblem[] = [];
  let line = 0;
  for (const { name, text } of texts) {
    for (const [index, raw] of text.split('\n').entries()) {
      line++;
      const words = raw.trim();
      if (words === '' || /^(?:#|\/\/)/.test(words)) continue;
      const place = `line ${index + 1}${name === '' ? '' : ` of ${name}`}`;
      const [, word = ''] = /^route\s+(\S+)/.exec(words) ?? [];
      const known = Object.hasOwn(COMMANDS, word) ? COMMANDS[word as keyof typeof COMMANDS] : undefined;
      const command = known?.parse(words, { line, place });
      if (command !== undefined) {
        commands.push(command);
        continue;
      }
      const usage = known === undefined ? USAGES : known.usage;
      problems.push({ text: words, reason: `${place} is left out: expected ${usage}` });
    }
  }
  return { commands, problems };
}

const USAGES = Object.values(COMMANDS)
  .map(({ usage }) => usage)
  .join('; ');

function tagsOf(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',').map((tag) => tag.trim());
}

function number(text: string): number | undefined {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
