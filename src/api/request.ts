import type { IncomingHttpHeaders } from 'node:http';
import type { Acl } from '../acl/acl.ts';
import type { Authorizer, Wanted } from '../acl/authorizer.ts';
import type { Resource } from '../acl/rules.ts';
import type { Ending } from '../lib/ending.ts';
import { authorizerOf, permissionDenied } from './access.ts';
import { type ApiRequest, MAX_BODY, type Method } from './endpoint.ts';
import type { Exchange } from './exchange.ts';
import type { Query } from './query.ts';

interface RequestParts {
  exchange: Exchange;
  path: string;
  params: Readonly<Record<string, string>>;
  query: Query;
  acl: Acl | undefined;
  /** Ends when the server stops. */
  stopping: Ending;
}

/** The request as handlers see it. A class, as closures made for each request took longer than most handlers. */
class HandledRequest implements ApiRequest {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly token: string;
  readonly #exchange: Exchange;
  readonly #acl: Acl | undefined;
  readonly #stopping: Ending;
  #signal: AbortSignal | undefined;

  constructor({ exchange, path, params, query, acl, stopping }: RequestParts) {
    this.#exchange = exchange;
    this.path = path;
    this.params = params;
    this.query = query;
    this.#acl = acl;
    this.#stopping = stopping;
    this.token = tokenOf(exchange.headers, query.get('token'));
  }

  get method(): Method {
    return this.#exchange.method as Method;
  }

  get headers(): IncomingHttpHeaders {
    return this.#exchange.headers;
  }

  get remoteAddress(): string {
    return this.#exchange.remoteAddress;
  }

  get authorizer(): Authorizer {
    return authorizerOf(this.#acl, this.token);
  }

  authorize(resource: Resource, wanted: Wanted, name?: string): void {
    if (!this.authorizer.allows(resource, wanted, name)) throw permissionDenied();
  }

  /** Made on demand: most requests are answered at once and never look at it. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      this.whenGone(() => controller.abort());
    }
    return this.#signal;
  }

  whenGone(task: () => void): () => void {
    return whenGone(this.#exchange, this.#stopping, task);
  }

  body({
    limit = MAX_BODY,
    tooLarge = (size: number) => bodyTooLarge(size, limit),
  }: {
    limit?: number;
    tooLarge?: (size: number) => string;
  } = {}): Promise<Buffer> {
    return this.#exchange.body(limit, tooLarge);
  }
}

export function apiRequest(parts: RequestParts): ApiRequest {
  return new HandledRequest(parts);
}

function bodyTooLarge(size: number, limit: number): string {
  return `Request body(${size} bytes) too large, max size: ${limit} bytes.`;
}

function whenGone(exchange: Exchange, stopping: Ending, task: () => void): () => void {
  if (stopping.ended || exchange.isGone) {
    task();
    return () => {};
  }
  const forget = () => {
    stay();
    keep();
  };
  const gone = () => {
    forget();
    task();
  };
  const keep = stopping.on(gone);
  const stay = exchange.whenOver(gone);
  return forget;
}

/** The token that came with a request, or "": `asked` is that of its query, which comes first. */
export function tokenOf(headers: IncomingHttpHeaders, asked: string): string {
  if (asked !== '') return asked;
  const header = headers['x-consul-token'];
  if (typeof header === 'string' && header !== '') return header;
  const { authorization = '' } = headers;
  return /^bearer\s/i.test(authorization) ? authorization.slice('bearer '.length).trim() : '';
}
