import { compileGoRegexp, type GoRegexp } from '../lib/go-regexp.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { DiscoveredInstance } from './instance.ts';

/** A place that a list names: what the kinds that fetch lists yield. */
export interface Backend {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
  /** 0: as many as there are. */
  readonly maxConnections: number;
  /** "": any. */
  readonly serverName: string;
}

/** gobetween's, for what a list does not say. */
export const BACKEND_DEFAULTS = { weight: 1, priority: 1, maxConnections: 0, serverName: '' } as const;

/**
 * "host:port weight=5 priority=1 max_connections=10 sni=www.foo.com": each of the options may be left out, their order stands
 * (gobetween's expression).
 */
export const BACKEND_PATTERN =
  '^(?P<host>\\S+):(?P<port>\\d+)(\\sweight=(?P<weight>\\d+))?(\\spriority=(?P<priority>\\d+))?(\\smax_connections=(?P<max_connections>\\d+))?(\\ssni=(?P<sni>[^\\s]+))?$';

/** Reads lines by an expression with the groups host, port, weight, priority, max_connections and sni. */
export class BackendPattern {
  readonly #regexp: GoRegexp;
  /** Place of each named group. */
  readonly #groups: ReadonlyMap<string, number>;

  /** Throws `RegexpSyntaxError`. */
  constructor(pattern = BACKEND_PATTERN) {
    this.#regexp = compileGoRegexp(pattern);
    this.#groups = namedGroups(pattern);
  }

  /** Undefined when the line names no backend. */
  read(line: string): Backend | undefined {
    const found = this.#regexp.find(line.trim());
    if (found === undefined) return undefined;
    const group = (name: string) => found[this.#groups.get(name) ?? found.length] ?? '';
    return backendOf({
      host: group('host'),
      port: group('port'),
      weight: group('weight'),
      priority: group('priority'),
      maxConnections: group('max_connections'),
      serverName: group('sni'),
    });
  }
}

/** What a source says of a backend, as it says it: numbers may be text, anything may be missing. */
export type Told = { readonly [Field in keyof Backend]?: unknown };

/** Undefined without a host and a port that can be connected to. */
export function backendOf(told: Told): Backend | undefined {
  const host = typeof told.host === 'string' ? told.host.trim().replace(/^\[(.*)\]$/, '$1') : '';
  const port = count(told.port) ?? 0;
  if (host === '' || port === 0 || port > 65_535) return undefined;
  const { weight, priority, maxConnections, serverName } = BACKEND_DEFAULTS;
  return {
    host,
    port,
    weight: count(told.weight) ?? weight,
    priority: count(told.priority) ?? priority,
    maxConnections: count(told.maxConnections) ?? maxConnections,
    serverName: typeof told.serverName === 'string' ? told.serverName : serverName,
  };
}

/** A whole number of at least 0, as a number or as text. */
function count(value: unknown): number | undefined {
  if (typeof value === 'string' && /^\d{1,9}$/.test(value.trim())) return Number(value);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.trunc(value) : undefined;
}

export function instanceOf(backend: Backend, kind: string, service: string): DiscoveredInstance {
  const { host, port } = backend;
  const serviceId = formatHostPort(host, port);
  const rest = { service, tags: [], meta: null, datacenter: '', out: '' };
  return { id: `${kind}/${serviceId}`, node: kind, serviceId, ...backend, ...rest };
}

/** Places of the groups with a name; parentheses that open no group are not counted. */
function namedGroups(pattern: string): ReadonlyMap<string, number> {
  const groups = new Map<string, number>();
  let place = 0;
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') {
      inClass = true;
      // "]" right behind "[" or "[^" is a member of the class.
      if (pattern[at + 1] === '^') at++;
      if (pattern[at + 1] === ']') at++;
    } else if (char === '(') {
      const [, name] = /^\(\?P?<(\w+)>/.exec(pattern.slice(at)) ?? [];
      if (name !== undefined) groups.set(name, ++place);
      else if (pattern[at + 1] !== '?') place++;
    }
  }
  return groups;
}
