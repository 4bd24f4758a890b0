import { isDeepStrictEqual } from 'node:util';
import type { TargetOptions, TargetTls } from '../balance/balancer.ts';
import type { StrategyName } from '../balance/strategies.ts';
import type { Asker, CanarySpec, StickySpec } from './choice.ts';
import { hasGlob, parseGlob, parseHostGlob } from './glob.ts';
import { type HandlingSpec, PLAIN_HANDLING } from './handling.ts';
import { kept } from './kept.ts';
import { PROTOCOLS, type Protocol, type ReadOptions, readOptions } from './tag-options.ts';

export interface TagSyntax {
  /** What a tag that makes a route begins with. */
  readonly prefix: string;
  /** Values of `$NAME` and `${NAME}`; an unknown name stands for nothing. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether hosts may be patterns. */
  readonly globs: boolean;
  /** Whether paths are patterns. */
  readonly pathGlobs?: boolean;
  /** Options that count unless the tag itself says otherwise. */
  readonly defaults?: readonly string[];
}

/** A route as one tag, or one command, asks for it. */
export interface RouteTag {
  /** As registered. */
  readonly tag: string;
  /** Lower-case, as written; "" for any host; ":port" for a TCP listener. */
  readonly host: string;
  /** "/" when the tag names a host alone; "" for a TCP listener. */
  readonly path: string;
  readonly protocol: Protocol;
  readonly handling: HandlingSpec;
  /** It leads copies of requests to the service that `host` names. */
  readonly isMirror?: boolean;
  /** What is special about speaking to the instance. */
  readonly target: TargetOptions | undefined;
  /** It is spoken to over TLS. */
  readonly tls: TargetTls | undefined;
  /** What it says of the choice among the route's instances. */
  readonly traffic: TagTraffic;
  /** Share of the whole that the tag asks for; 0 for none. */
  readonly weight: number;
  /** Name under which the balancer registers itself; "" for none. */
  readonly register: string;
  /** Options but `proto=` and `weight=`, as written. */
  readonly options: readonly string[];
  /** Where it leads, if that is not the instance's own address: the URL of a redirect, or of a command. */
  readonly destination: string;
  /** Why no request can be sent there; "" when it can. */
  readonly obstacle: string;
  /** What was wrong but did not stop the route. */
  readonly notes: readonly string[];
}

/** Options that are about the route as a whole; where instances disagree, the first that says anything counts. */
export interface TagTraffic {
  readonly strategy?: StrategyName;
  readonly sticky?: StickySpec;
  readonly by?: Asker;
  /** The instance is in the arm that it describes. */
  readonly canary?: CanarySpec;
  readonly slowStart?: number;
  readonly panic?: number;
}

const NO_TRAFFIC: TagTraffic = {};

/** Longer than any URL that a server accepts. */
const MAX_TAG = 8192;

/** Whether a tag is meant to make a route. */
export function asksForRoute(tag: string, prefix: string): boolean {
  return tag.trim().startsWith(prefix);
}

/**
 * Reads `prefix[host][/path] [option=value …]`. Undefined when the tag makes no route; a sentence when it was meant to
 * and cannot.
 */
export function parseRouteTag(tag: string, syntax: TagSyntax): RouteTag | string | undefined {
  if (!asksForRoute(tag, syntax.prefix)) return undefined;
  const trimmed = tag.trim();
  if (trimmed.length > MAX_TAG) return `it is longer than ${MAX_TAG} characters`;
  const [source = '', ...words] = trimmed.slice(syntax.prefix.length).trim().split(/\s+/);
  if (source === '')
    return `nothing behind ${JSON.stringify(syntax.prefix)}: expected a host, a path or both`;
  // Nothing else can be meant by a port alone, and fabio takes it so.
  const isPlainPort = /^:\d+$/.test(source) && !words.some((word) => word.startsWith('proto='));
  const all = isPlainPort ? [...words, 'proto=tcp'] : words;
  return routeOf(tag, source, meaningOfWords(all, syntax.defaults), syntax);
}

/** What the options of a tag come to, wherever it leads from. Never changed, so that thousands of tags share one. */
export type TagMeaning = Omit<RouteTag, 'tag' | 'host' | 'path' | 'obstacle' | 'isMirror'>;

/** Meanings by their words; then it begins anew. */
const meanings = new Map<string, TagMeaning>();
const MOST_MEANINGS = 4_096;

function meaningOfWords(words: readonly string[], defaults: readonly string[] = []): TagMeaning {
  const key = [...words, '', ...defaults].join(' ');
  let meaning = meanings.get(key);
  if (meaning === undefined) {
    const reading = readOptions(words, defaults);
    const { redirectCode } = reading.read;
    if (redirectCode !== 0)
      reading.notes.push(
        `redirect=${redirectCode} is ignored: it must be a code and a URL, like 301,https://new.test$path`,
      );
    meaning = meaningOf(reading);
    if (meanings.size >= MOST_MEANINGS) meanings.clear();
    meanings.set(key, meaning);
  }
  return meaning;
}

export function meaningOf({ read, options, notes }: ReturnType<typeof readOptions>): TagMeaning {
  const { protocol, weight, register } = read;
  return {
    protocol,
    handling: handlingOf(read),
    traffic: trafficOf(read),
    target: targetOf(read),
    tls: isSecure(protocol) ? { verify: !read.skipVerify } : undefined,
    weight,
    register,
    options: kept(options),
    destination: read.redirect?.url ?? '',
    notes: kept(notes),
  };
}

/** The route from `source` ("host/path", ":port") with what its options say; a sentence when there cannot be one. */
export function routeOf(
  tag: string,
  source: string,
  meaning: TagMeaning,
  syntax: Omit<TagSyntax, 'prefix'>,
): RouteTag | string {
  const { host, path } = source.startsWith(':')
    ? { host: source, path: '' }
    : splitPlace(source, syntax.variables);
  if (syntax.globs && hasGlob(host)) {
    const glob = parseHostGlob(host);
    if (typeof glob === 'string') return glob;
  }
  const pathGlob = syntax.pathGlobs === true ? parseGlob(path, false) : undefined;
  if (typeof pathGlob === 'string') return pathGlob;
  const { protocol, handling, traffic, target, tls, weight, register, options, destination, notes } = meaning;
  const obstacle = obstacleOf(source, protocol);
  // Field by field: spread into it, they would take more memory, for each of tens of thousands.
  return {
    tag,
    host,
    path,
    protocol,
    handling,
    traffic,
    target,
    tls,
    weight,
    register,
    options,
    destination,
    obstacle,
    notes,
  };
}

function obstacleOf(source: string, protocol: Protocol): string {
  const isBarePort = source.startsWith(':') && protocol !== 'tcp';
  return isBarePort ? 'a port alone is a TCP route and needs proto=tcp' : '';
}

function handlingOf(read: ReadOptions): HandlingSpec {
  const { strip, prepend, host, redirect, allow, deny, closed, auth, mirror, rates, limits } = read;
  const guarded = allow.length > 0 || deny.length > 0 || closed;
  const handling: HandlingSpec = {
    ...PLAIN_HANDLING,
    strip,
    prepend,
    host,
    ...(redirect === undefined ? {} : { redirect }),
    ...(guarded ? { access: { allow, deny, closed } } : {}),
    ...(auth === undefined ? {} : { auth }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(rates.length === 0 ? {} : { rates }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
  // Nearly all of them: thousands of routes share one.
  return isDeepStrictEqual(handling, PLAIN_HANDLING) ? PLAIN_HANDLING : handling;
}

function trafficOf(read: ReadOptions): TagTraffic {
  const { strategy, sticky, by, canaryShare: share, canaryBy, canaryWhen: when, slowStart, panic } = read;
  const traffic: TagTraffic = {
    ...(strategy === undefined ? {} : { strategy }),
    ...(sticky === undefined ? {} : { sticky }),
    ...(by === undefined ? {} : { by }),
    ...(share === undefined
      ? {}
      : { canary: { share, by: canaryBy, ...(when === undefined ? {} : { when }) } }),
    ...(slowStart === 0 ? {} : { slowStart }),
    ...(panic === 0 ? {} : { panic }),
  };
  return Object.keys(traffic).length === 0 ? NO_TRAFFIC : traffic;
}

function isSecure(protocol: Protocol): boolean {
  return protocol === 'https' || protocol === 'grpcs';
}

const SPOKEN = { http: 'http', https: 'http', tcp: 'tcp', grpc: 'grpc', grpcs: 'grpc' } as const;

function targetOf({ protocol, proxyProtocol, maxConnections }: ReadOptions): TargetOptions | undefined {
  const spoken = SPOKEN[protocol];
  if (spoken === 'http' && !proxyProtocol && maxConnections === undefined) return undefined;
  return {
    ...(spoken === 'http' ? {} : { protocol: spoken }),
    ...(proxyProtocol ? { proxyProtocol } : {}),
    ...(maxConnections === undefined ? {} : { maxConnections }),
  };
}

function splitPlace(source: string, variables: TagSyntax['variables']): { host: string; path: string } {
  const slash = source.indexOf('/');
  const host = slash < 0 ? source : source.slice(0, slash);
  const path = slash < 0 ? '/' : source.slice(slash);
  return { host: expand(host, variables).toLowerCase(), path: expand(path, variables) };
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
