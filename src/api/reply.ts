import type { Authorizer } from '../acl/authorizer.ts';
import type { Take } from './exchange.ts';
import type { Encoded } from './shared.ts';
import type { Watched } from './watched.ts';

/** What a read tells about the state it saw; it becomes the X-Consul-* headers. */
export interface ReadMeta {
  /** X-Consul-Index; at least 1 is sent, since 0 would make a client spin. */
  readonly index: number;
  /** Named in X-Consul-Effective-Consistency where Consul names it (not for keys and sessions). */
  readonly consistency?: 'leader' | 'stale' | 'consistent';
  /** Of a replica: whether the servers are known to agree, and for how many ms they have been silent. */
  readonly contact?: { readonly known: boolean; readonly silence: number };
  /** Answer to `?cached`: hit or miss, and the age of a hit in seconds. */
  readonly cache?: { readonly hit: boolean; readonly age: number };
}

/** A silence that never began, in ms: a client reads it as a number. */
const NEVER = 2 ** 31 - 1;

/** For how many ms those who keep the truth have been silent; 0 while they are known to agree. */
export function silenceOf({ contact }: ReadMeta): number {
  return contact === undefined || contact.known ? 0 : Math.min(contact.silence, NEVER);
}

interface Common {
  /** 200 unless told otherwise. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: ReadMeta;
}

/** To whom and until when an answer may be given again: while the index of what it was read from is this. */
export interface Lasting {
  readonly watched: Watched;
  readonly index: number;
  /** Of who asked. */
  readonly authorizer: Authorizer;
  /** The question named an index to wait for; what is answered is the same. */
  readonly isBlocking: boolean;
}

/** What a handler answers. `taken`: the handler writes to the raw response itself (a stream, a file). */
export type Reply = Common &
  (
    | { readonly kind: 'json'; readonly value: unknown }
    | { readonly kind: 'encoded'; readonly encoded: Encoded; readonly lasting?: Lasting }
    | { readonly kind: 'text'; readonly text: string; readonly contentType: string }
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly contentType: string }
    | { readonly kind: 'empty' }
    | { readonly kind: 'taken'; readonly take: Take }
  );

/** `value` as JSON, indented when the client or the configuration asks for it. `bigint`s are written as numbers. */
export function json(value: unknown, more: Common = {}): Reply {
  return { kind: 'json', value, ...more };
}

/** JSON that was encoded before. `lasting`: the same request may be answered with the same bytes again. */
export function encodedJson(encoded: Encoded, more: Common & { lasting?: Lasting } = {}): Reply {
  return { kind: 'encoded', encoded, ...more };
}

export function text(content: string, more: Common & { contentType?: string } = {}): Reply {
  const { contentType = 'text/plain; charset=utf-8', ...common } = more;
  return { kind: 'text', text: content, contentType, ...common };
}

export function bytes(content: Uint8Array, contentType: string, more: Common = {}): Reply {
  return { kind: 'bytes', bytes: content, contentType, ...more };
}

/** No body: what Consul answers to most writes of the agent, and with 404 for what is not there. */
export function empty(status = 200, more: Common = {}): Reply {
  return { kind: 'empty', status, ...more };
}

/**
 * The handler writes the response itself; the common headers are already set on it. It may be asked twice before `take` is called once,
 * when the connection has to go to another server for that.
 */
export function taken(take: Take): Reply {
  return { kind: 'taken', take };
}
