/** Options behind the route in a tag or a command: what each does with what is read. A new one is a line here. */
import { addressRange } from '../lib/ip.ts';
import { editDistance } from '../lib/nearest.ts';
import type { RedirectSpec } from './handling.ts';
import { noTraffic, TRAFFIC_OPTIONS, type TrafficRead } from './traffic-options.ts';

/** Protocols that `proto=` names, by how the instance is spoken to. */
export const PROTOCOLS = {
  http: { scheme: 'http', slash: true },
  https: { scheme: 'https', slash: false },
  tcp: { scheme: 'tcp', slash: false },
  grpc: { scheme: 'grpc', slash: false },
  grpcs: { scheme: 'grpcs', slash: false },
} as const satisfies Record<
  string,
  { scheme: string /** Whether the URL ends in a slash. */; slash: boolean }
>;

export type Protocol = keyof typeof PROTOCOLS;

/** What the options of one tag come to. */
export interface ReadOptions extends TrafficRead {
  protocol: Protocol;
  weight: number;
  strip: string;
  prepend: string;
  host: string;
  redirect: RedirectSpec | undefined;
  /** Code of a redirect whose URL stands elsewhere, as in a command. */
  redirectCode: number;
  allow: string[];
  deny: string[];
  /** An access rule could not be read: the route is closed. */
  closed: boolean;
  auth: string | undefined;
  /** Name under which the balancer registers itself for the route. */
  register: string;
  skipVerify: boolean;
  proxyProtocol: boolean;
  /** Requests or connections at a time; undefined: as the balancer has it. */
  maxConnections: number | undefined;
}

const noOptions = (): ReadOptions => ({
  ...noTraffic(),
  protocol: 'http',
  weight: 0,
  strip: '',
  prepend: '',
  host: '',
  redirect: undefined,
  redirectCode: 0,
  allow: [],
  deny: [],
  closed: false,
  auth: undefined,
  register: '',
  skipVerify: false,
  proxyProtocol: false,
  maxConnections: undefined,
});

interface OptionKind {
  /** Takes the value over. Answers what is wrong with it: then the option has no effect, unless it closes the route. */
  read(value: string, into: ReadOptions): string | undefined;
  /** It is shown among the options (`weight=` and `proto=` are seen elsewhere). */
  readonly hidden?: boolean;
  /** It says nothing about connections, of which `proto=tcp` makes a route. */
  readonly ofRequests?: boolean;
}

const flag = (name: 'skipVerify' | 'proxyProtocol'): OptionKind => ({
  read(value, into) {
    if (value !== 'true' && value !== 'false') return 'it must be true or false';
    into[name] = value === 'true';
    return undefined;
  },
});

/** "ip:10.0.0.0/8,ip:192.0.2.1". To leave a rule out that cannot be read would open the route. */
const access = (name: 'allow' | 'deny'): OptionKind => ({
  read(value, into) {
    for (const rule of value.split(',')) {
      const [, range = ''] = /^ip:(.+)$/i.exec(rule.trim()) ?? [];
      if (addressRange(range) === undefined) {
        into.closed = true;
        return `"${rule}" cannot be read, so the route is closed: write ip: and an address or a network (ip:10.0.0.0/8)`;
      }
      into[name].push(range);
    }
    return undefined;
  },
});

export const TAG_OPTIONS = {
  strip: {
    ofRequests: true,
    read(value, into) {
      if (!value.startsWith('/')) return 'it must begin with "/"';
      into.strip = value;
      return undefined;
    },
  },
  prepend: {
    ofRequests: true,
    read(value, into) {
      if (value === '') return 'it must be a path like /v2';
      into.prepend = value.startsWith('/') ? value : `/${value}`;
      return undefined;
    },
  },
  weight: {
    hidden: true,
    read(value, into) {
      if (!/^[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value)) return 'it must be a number like 0.25';
      into.weight = Math.max(0, Number(value));
      return undefined;
    },
  },
  proto: {
    hidden: true,
    read(value, into) {
      if (!Object.hasOwn(PROTOCOLS, value)) return `it must be one of ${Object.keys(PROTOCOLS).join(', ')}`;
      into.protocol = value as Protocol;
      return undefined;
    },
  },
  host: {
    ofRequests: true,
    read(value, into) {
      if (!/^[^\s/?#@]+$/.test(value)) return 'it must be "dst" or a host, with or without a port';
      into.host = value;
      return undefined;
    },
  },
  redirect: {
    ofRequests: true,
    read(value, into) {
      const [, code = '', url = ''] = /^(3\d\d)(?:,(\S+))?$/.exec(value) ?? [];
      if (code === '') return 'it must be a code and a URL, like 301,https://new.test$path';
      if (url === '') into.redirectCode = Number(code);
      else if (isRedirectUrl(url)) into.redirect = { code: Number(code), url };
      else return `"${url}" is no URL like https://new.test$path`;
      return undefined;
    },
  },
  auth: {
    ofRequests: true,
    read(value, into) {
      into.auth = value;
      return undefined;
    },
  },
  allow: access('allow'),
  deny: access('deny'),
  register: {
    read(value, into) {
      into.register = value;
      return undefined;
    },
  },
  tlsskipverify: flag('skipVerify'),
  pxyproto: flag('proxyProtocol'),
  ...TRAFFIC_OPTIONS,
  /** Not fabio's: HAProxy's word for it. */
  maxconn: {
    read(value, into) {
      if (!/^\d{1,9}$/.test(value)) return 'it must be a whole number; 0 is as many as there are';
      into.maxConnections = Number(value);
      return undefined;
    },
  },
} as const satisfies Record<string, OptionKind>;

/** With scheme and host, with a host alone ("//new.test/"), or a path, which "$path" may begin; "$host" and "$hostname" may stand in it. */
export function isRedirectUrl(url: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+|\/|\$path)/i.test(url);
}

/**
 * Reads "name=value" words; `options` are those that are shown, `notes` what was wrong. `isWhole`: nothing of it
 * counts then, so that no word is said to be ignored. `before`: words that count as far as these do
 * not say otherwise; what is wrong with them was told where they stand.
 */
export function readOptions(
  words: readonly string[],
  before: readonly string[] = [],
  isWhole = false,
): {
  read: ReadOptions;
  options: string[];
  notes: string[];
} {
  const read = before.length === 0 ? noOptions() : readOptions(before).read;
  const options: string[] = [];
  const notes: string[] = [];
  const ofRequests: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? '' : word.slice(equals + 1);
    const kind: OptionKind | undefined = Object.hasOwn(TAG_OPTIONS, name)
      ? TAG_OPTIONS[name as keyof typeof TAG_OPTIONS]
      : undefined;
    if (kind?.ofRequests === true) ofRequests.push(word);
    const wrong = kind === undefined ? misspelt(name) : kind.read(value, read);
    if (wrong !== undefined)
      notes.push(read.closed || isWhole ? `${word}: ${wrong}` : `${word} is ignored: ${wrong}`);
    if (kind?.hidden === true) continue;
    // As fabio shows it: the URL is the route's destination.
    options.push(
      name === 'redirect' && read.redirect !== undefined ? `redirect=${read.redirect.code}` : word,
    );
  }
  if (read.protocol === 'tcp')
    for (const word of ofRequests) notes.push(`${word} has no effect with proto=tcp: it is about requests`);
  return { read, options, notes };
}

/** Other programs may have options of their own in a tag: only what is nearly one of ours was meant to be it. */
function misspelt(name: string): string | undefined {
  const [near] = Object.keys(TAG_OPTIONS).filter(
    (known) => editDistance(name.toLowerCase(), known) <= slips(known),
  );
  return near === undefined ? undefined : `there is no such option; did you mean ${near}=?`;
}

/** In a short word a second slip makes another word. */
function slips(known: string): number {
  return known.length < 6 ? 1 : 2;
}
