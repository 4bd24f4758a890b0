/** What a balancer does with HTTP besides routing, as plain data; swapped whole while it runs. Everything is off unless given. */

import type { Sampler } from './http1/trace.ts';

export interface HeaderSettings {
  /** Field that tells the instance the client's address. */
  readonly clientIp?: string;
  /** Field that carries a new id for each request. */
  readonly requestId?: string;
  /** Field for requests that came over TLS; taken off others. */
  readonly tls?: { readonly name: string; readonly value: string };
  /** Requests go on in the trace that they came with, or in a new one, with a span of the balancer's (`traceparent`). */
  readonly trace?: boolean;
  /** Value of Strict-Transport-Security in answers over TLS. */
  readonly strictTransport?: string;
}

/** What a request gets that no route leads anywhere. */
export interface NoRouteSettings {
  readonly status: number;
  /** The page, HTML; a sentence unless given. */
  readonly html?: string;
}

/** Who may pass a route with `auth=`. */
export interface AuthScheme {
  readonly realm: string;
  /** Hashes by user name, as htpasswd writes them. */
  readonly users: Readonly<Record<string, string>>;
}

export interface ProxySettings {
  readonly headers?: HeaderSettings;
  /** Spans of requests are recorded, and requests go on in traces as with `headers.trace`. */
  readonly sampler?: Sampler | undefined;
  /** Unless given 404 with a sentence. */
  readonly noRoute?: NoRouteSettings;
  readonly auth?: Readonly<Record<string, AuthScheme>>;
  /** What cookies of sticky routes are made with: the same in all workers, and in balancers that stand in for each other. */
  readonly stickyKey?: string;
  /** Regular expression (of Go) for the Content-Type of answers that are compressed. */
  readonly compress?: string;
  readonly accessLog?: {
    /** As `access-log.ts` reads it. */
    readonly format: string;
    /** "stdout" or a path. */
    readonly target: string;
  };
}

/** Value of Strict-Transport-Security (RFC 6797); `maxAge` in seconds. */
export function strictTransportOf(
  maxAge: number,
  { subdomains, preload }: { readonly subdomains: boolean; readonly preload: boolean },
): string {
  return [
    `max-age=${maxAge}`,
    ...(subdomains ? ['includeSubdomains'] : []),
    ...(preload ? ['preload'] : []),
  ].join('; ');
}
