import type { TargetOptions, TargetTls } from '../balance/balancer.ts';
import { hasGlob, parseGlob, parseHostGlob } from './glob.ts';
import { type HandlingSpec, PLAIN_HANDLING } from './handling.ts';
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
  /** What is special about speaking to the instance. */
  readonly target: TargetOptions | undefined;
  /** It is spoken to over TLS. */
  readonly tls: TargetTls | undefined;
  /** Share of the whole that the tag asks for; 0 for none. */
  readonly weight: number;
  /** Name under which the balancer registers itself; "" for none. */
  readonly register: string;
  /** Options but `proto=` and `weight=`, as written. */
  readonly options: readonly string[];
  /** Where it leads, if that is not the instance's own address: the URL of a redirect. */
  readonly destination: string;
  /** Why no request can be sent there; "" when it can. */
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
export function parseRouteTag(tag: string, syntax: TagSyntax): RouteTag | string | undefined {
  const trimmed = tag.trim();
  if (!trimmed.startsWith(syntax.prefix)) return undefined;
  if (trimmed.length > MAX_TAG) return `it is longer than ${MAX_TAG} characters`;
  const [source = '', ...words] = trimmed.slice(syntax.prefix.length).trim().split(/\s+/);
  if (source === '')
    return `nothing behind ${JSON.stringify(syntax.prefix)}: expected a host, a path or both`;
  const { read, options, notes } = readOptions(words);
  if (read.redirectCode !== 0)
    notes.push(
      `redirect=${read.redirectCode} is ignored: it must be a code and a URL, like 301,https://new.test$path`,
    );
  return routeOf(tag, source, { read, options, notes }, syntax);
}

/** The route from `source` ("host/path", ":port") with what its options say; a sentence when there cannot be one. */
export function routeOf(
  tag: string,
  source: string,
  { read, options, notes }: ReturnType<typeof readOptions>,
  syntax: Omit<TagSyntax, 'prefix'>,
): RouteTag | string {
  const place = source.startsWith(':') ? { host: source, path: '' } : splitPlace(source, syntax.variables);
  if (syntax.globs && hasGlob(place.host)) {
    const glob = parseHostGlob(place.host);
    if (typeof glob === 'string') return glob;
  }
  const pathGlob = syntax.pathGlobs === true ? parseGlob(place.path, false) : undefined;
  if (typeof pathGlob === 'string') return pathGlob;
  const { protocol, weight, register } = read;
  return {
    tag,
    ...place,
    protocol,
    handling: handlingOf(read),
    target: targetOf(read),
    tls: isSecure(protocol) ? { verify: !read.skipVerify } : undefined,
    weight,
    register,
    options,
    destination: read.redirect?.url ?? '',
    obstacle: obstacleOf(source, protocol),
    notes,
  };
}

function obstacleOf(source: string, protocol: Protocol): string {
  const isBarePort = source.startsWith(':') && protocol !== 'tcp';
  return isBarePort ? 'a port alone is a TCP route and needs proto=tcp' : '';
}

function handlingOf(read: ReadOptions): HandlingSpec {
  const { strip, prepend, host, redirect, allow, deny, closed, auth } = read;
  const guarded = allow.length > 0 || deny.length > 0 || closed;
  return {
    ...PLAIN_HANDLING,
    strip,
    prepend,
    host,
    ...(redirect === undefined ? {} : { redirect }),
    ...(guarded ? { access: { allow, deny, closed } } : {}),
    ...(auth === undefined ? {} : { auth }),
  };
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
