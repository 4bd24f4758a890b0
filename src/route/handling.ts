/**
 * What is done with a request of a route besides choosing an instance: plain data from the main thread, and what a worker makes of
 * it. A route whose instances all say the same has one; otherwise each instance carries the number of its own.
 */
import type { Rate } from '../balance/rate-limit.ts';
import { parseHostPort } from '../lib/host-port.ts';
import { type AddressRange, addressBytes, addressRange, isInRange } from '../lib/ip.ts';
import type { Asker } from './choice.ts';

/** Who may use a route. Deny wins over allow; with any `allow` everybody else is out. */
export interface AccessSpec {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** A rule could not be read: nobody gets in, for to leave it out would open the route. */
  readonly closed: boolean;
}

export interface RedirectSpec {
  /** 300 to 399. */
  readonly code: number;
  /** A URL in which `$path`, `$host` and `$hostname` (without its port) stand for those of the request. */
  readonly url: string;
}

/** A copy of a part of the requests goes to another service, whose answers nobody sees. */
export interface MirrorSpec {
  readonly service: string;
  /** From 0 to 1. */
  readonly share: number;
}

/** So many requests of one asker, or of all together ("route"), in a time. */
export interface RateSpec extends Rate {
  readonly by: Asker | 'route';
}

/** Limits of the data path that are others on this route. Times in ms, sizes in bytes. */
export interface RouteLimitsSpec {
  readonly responseTimeout?: number;
  readonly connectTimeout?: number;
  readonly responseSilence?: number;
  readonly maxHead?: number;
  readonly maxBody?: number;
}

export interface HandlingSpec {
  /** Taken off the front of the path; "" takes nothing. */
  readonly strip: string;
  /** Put in front of the path, after `strip`. */
  readonly prepend: string;
  /** Host that the instance is told: "" as the client said, "dst" the instance's own address, or a name. */
  readonly host: string;
  /** Query parameters put before those of the request. */
  readonly query: string;
  readonly redirect?: RedirectSpec;
  readonly access?: AccessSpec;
  /** Name of the scheme that asks for credentials. */
  readonly auth?: string;
  readonly mirror?: MirrorSpec;
  /** All of them count. */
  readonly rates?: readonly RateSpec[];
  readonly limits?: RouteLimitsSpec;
}

export const PLAIN_HANDLING: HandlingSpec = { strip: '', prepend: '', host: '', query: '' };

/** Equal text for equal handlings. */
export function handlingKey(spec: HandlingSpec): string {
  if (spec === PLAIN_HANDLING) return PLAIN_KEY;
  return keyOf(spec);
}

function keyOf(spec: HandlingSpec): string {
  const { strip, prepend, host, query, redirect, access, auth, mirror, rates, limits } = spec;
  return JSON.stringify([strip, prepend, host, query, redirect, access, auth, mirror, rates, limits]);
}

const PLAIN_KEY = keyOf(PLAIN_HANDLING);

/** Handlings that are remembered; then it begins anew. */
const MOST_COMPILED = 4_096;

/** Lists of one handling each: thousands of routes say the same, and share it. */
const single = new Map<string, readonly HandlingSpec[]>();

/** The same list for equal handlings. */
export function sharedHandlings(handlings: readonly HandlingSpec[]): readonly HandlingSpec[] {
  const [only] = handlings;
  if (only === undefined || handlings.length > 1) return handlings;
  const key = handlingKey(only);
  const known = single.get(key);
  if (known !== undefined) return known;
  if (single.size >= MOST_COMPILED) single.clear();
  single.set(key, handlings);
  return handlings;
}

/** Rules of `allow=` and `deny=` ready to be asked. */
export class Access {
  readonly #allow: readonly AddressRange[];
  readonly #deny: readonly AddressRange[];
  readonly #isClosed: boolean;

  constructor({ allow, deny, closed }: AccessSpec) {
    const ranges = (texts: readonly string[]) => texts.map(addressRange);
    const read = { allow: ranges(allow), deny: ranges(deny) };
    this.#allow = read.allow.filter((range) => range !== undefined);
    this.#deny = read.deny.filter((range) => range !== undefined);
    this.#isClosed = closed || [...read.allow, ...read.deny].includes(undefined);
  }

  /** Whether a peer with this address may pass; what is no address may not. */
  admits(address: string): boolean {
    const ip = this.#isClosed ? undefined : addressBytes(address);
    if (ip === undefined) return false;
    if (this.#deny.some((range) => isInRange(ip, range))) return false;
    return this.#allow.length === 0 || this.#allow.some((range) => isInRange(ip, range));
  }

  /**
   * Whether everybody in a list as X-Forwarded-For has it may pass, with or without ports. An empty list may, and where nobody has to be
   * allowed one who is named by no address ("unknown").
   */
  admitsAll(list: string): boolean {
    return list.split(',').every((part) => {
      const name = part.trim();
      const address = parseHostPort(name)?.host ?? name.replace(/^\[(.*)\]$/, '$1');
      if (addressBytes(address) !== undefined) return this.admits(address);
      return name === '' || (this.#allow.length === 0 && !this.#isClosed);
    });
  }
}

/** A handling in the form that the data path uses. */
export interface Handling {
  readonly strip: Uint8Array;
  readonly prepend: Uint8Array;
  /** A name; empty: the client's own, or the instance's when `hostOfTarget`. */
  readonly host: Uint8Array;
  readonly hostOfTarget: boolean;
  /** Port in `host`; -1 when it names none. */
  readonly hostPort: number;
  readonly query: Uint8Array;
  /** Needs the slower way of composing: something besides `strip` is changed. */
  readonly rewrites: boolean;
  readonly redirect: RedirectSpec | undefined;
  readonly access: Access | undefined;
  readonly auth: string | undefined;
  readonly mirror: MirrorSpec | undefined;
  readonly rates: readonly RateSpec[];
  readonly limits: RouteLimitsSpec | undefined;
  /** Whether anything is to be looked at before an instance is chosen. */
  readonly guarded: boolean;
}

/** Thousands of routes say the same: they share what it comes to. */
const compiled = new Map<string, Handling>();

export function compileHandling(spec: HandlingSpec): Handling {
  const key = handlingKey(spec);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  const handling = compile(spec);
  compiled.set(key, handling);
  return handling;
}

const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const encode = (text: string) => (text === '' ? NOTHING : encoder.encode(text));

function compile(spec: HandlingSpec): Handling {
  const { strip, prepend, host, query, redirect, access, auth, mirror, rates = [], limits } = spec;
  const hostOfTarget = host === 'dst';
  return {
    strip: encode(strip),
    prepend: encode(prepend),
    host: encode(hostOfTarget ? '' : host),
    hostOfTarget,
    hostPort: portOf(host),
    query: encode(query),
    rewrites: prepend !== '' || host !== '' || query !== '',
    redirect,
    access: access === undefined ? undefined : new Access(access),
    auth,
    mirror,
    rates,
    limits,
    guarded: [redirect, access, auth, mirror, limits].some((part) => part !== undefined) || rates.length > 0,
  };
}

/** The port that a host with one names; -1 without. */
export function portOf(host: string): number {
  const [, port] = /:(\d{1,5})$/.exec(host) ?? [];
  return port === undefined ? -1 : Number(port);
}

export const PLAIN: Handling = compileHandling(PLAIN_HANDLING);
