import { hasGlob, parseHostGlob } from './host-glob.ts';
import { optionKind, PROTOCOLS, type Protocol } from './tag-options.ts';

export interface TagSyntax {
  /** What a tag that makes a route begins with. */
  readonly prefix: string;
  /** Values of `$NAME` and `${NAME}`; an unknown name stands for nothing. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether hosts may be patterns. */
  readonly globs: boolean;
}

/** A route as one tag asks for it. */
export interface RouteTag {
  /** As registered. */
  readonly tag: string;
  /** Lower-case, as written; "" for any host; ":port" for a TCP listener. */
  readonly host: string;
  /** "/" when the tag names a host alone; "" for a TCP listener. */
  readonly path: string;
  readonly protocol: Protocol;
  readonly strip: string;
  /** Share of the whole that the tag asks for; 0 for none. */
  readonly weight: number;
  /** All options but `proto=` and `weight=`, as written. */
  readonly options: readonly string[];
  /** Why no HTTP request can be sent there (another protocol, an option that comes later); "" when it can. */
  readonly obstacle: string;
  /** What was wrong but did not stop the route. */
  readonly notes: readonly string[];
}

/** Longer than any URL that a server accepts. */
const MAX_TAG = 8192;

/**
 * Reads `prefix[host][/path] [option=value …]`. Undefined when the tag makes no route; a sentence when it was meant to
 * and cannot.
 */
export function parseRouteTag(
  tag: string,
  { prefix, variables, globs }: TagSyntax,
): RouteTag | string | undefined {
  const trimmed = tag.trim();
  if (!trimmed.startsWith(prefix)) return undefined;
  if (trimmed.length > MAX_TAG) return `it is longer than ${MAX_TAG} characters`;
  const [source = '', ...options] = trimmed.slice(prefix.length).trim().split(/\s+/);
  if (source === '') return `nothing behind ${JSON.stringify(prefix)}: expected a host, a path or both`;
  const place = source.startsWith(':') ? { host: source, path: '' } : splitPlace(source, variables);
  if (globs && hasGlob(place.host)) {
    const glob = parseHostGlob(place.host);
    if (typeof glob === 'string') return glob;
  }
  return { tag, ...place, ...readOptions(options, source) };
}

function splitPlace(source: string, variables: TagSyntax['variables']): { host: string; path: string } {
  const slash = source.indexOf('/');
  const host = slash < 0 ? source : source.slice(0, slash);
  const path = slash < 0 ? '/' : source.slice(slash);
  return { host: expand(host, variables).toLowerCase(), path: expand(path, variables) };
}

type Reading = Omit<RouteTag, 'tag' | 'host' | 'path'>;

function readOptions(written: readonly string[], source: string): Reading {
  const options: string[] = [];
  const notes: string[] = [];
  let protocol: Protocol = 'http';
  let strip = '';
  let weight = 0;
  let obstacle = '';
  for (const option of written) {
    const [name, value] = splitOption(option);
    const kind = optionKind(name);
    const wrong = kind?.check?.(value);
    if (wrong !== undefined) notes.push(`${option} is ignored: ${wrong}`);
    else if (name === 'proto') protocol = value as Protocol;
    else if (name === 'weight') weight = Math.max(0, Number(value));
    else if (name === 'strip') strip = value;
    if (kind?.obstacle !== undefined) obstacle ||= kind.obstacle;
    if (name !== 'proto' && name !== 'weight') options.push(option);
  }
  if (protocol !== 'http') obstacle = `proto=${protocol} is not carried out yet`;
  else if (source.startsWith(':')) obstacle = 'a port alone is a TCP route and needs proto=tcp';
  return { protocol, strip, weight, options, obstacle, notes };
}

function splitOption(option: string): [name: string, value: string] {
  const equals = option.indexOf('=');
  return equals < 0 ? [option, ''] : [option.slice(0, equals), option.slice(equals + 1)];
}

/** As a shell does: `$NAME`, `${NAME}` and the one-character names. */
function expand(text: string, variables: TagSyntax['variables']): string {
  return text.replace(
    /\$(?:\{([^}]*)\}|([A-Za-z_]\w*)|([*#$@!?\d-]))/g,
    (_, braced: string | undefined, plain: string | undefined, single: string | undefined) => {
      const name = braced ?? plain ?? single ?? '';
      return Object.hasOwn(variables, name) ? (variables[name] ?? '') : '';
    },
  );
}

/** Address of a target as fabio shows it: "http://127.0.0.1:80/", "tcp://127.0.0.1:80". */
export function targetUrl(protocol: Protocol, address: string): string {
  const { scheme, slash } = PROTOCOLS[protocol];
  return `${scheme}://${address}${slash ? '/' : ''}`;
}
