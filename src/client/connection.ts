import { fetchTrouble, MusterError } from '../errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { parseUint64 } from '../lib/json-uint64.ts';
import { baseUrl, type ClientOptions, socketOf } from './options.ts';
import { toBase64 } from './platform.ts';
import { type Reply, type Transport, transportOf } from './transport.ts';

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal;
  datacenter?: string;
  /** Instead of the client's own. */
  token?: string;
}

export type Consistency = 'default' | 'stale' | 'consistent';

/** What calls that read the catalog take besides. */
export interface ReadOptions extends CallOptions {
  /** Wait until the answer's index is above this. */
  index?: number;
  /** Longest wait for that, "30s"; the server's default is 5m. */
  wait?: string;
  consistency?: Consistency;
  /** An expression such as `ServiceMeta.version == "2"`. */
  filter?: string;
  /** Sort by distance from this node; "_agent" for the one asked. */
  near?: string;
  /** Only nodes with all of this metadata. */
  nodeMeta?: Readonly<Record<string, string>>;
}

export type Params = Record<string, string | number | bigint | boolean | readonly string[] | undefined>;

export interface Request extends CallOptions {
  method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Already encoded, from "/v1/…". */
  path: string;
  /** `true` gives a parameter without a value, a list one for each of its texts; `undefined` and `false` leave it out. */
  params?: Params;
  body?: string | Uint8Array;
  /** Milliseconds instead of the client's own. */
  timeout?: number;
  /** Status codes besides 2xx that the caller reads by itself. */
  accept?: readonly number[];
}

export interface Answer<T> {
  value: T;
  /** Position of the data, from `X-Consul-Index`; undefined where the endpoint has none. */
  index: number | undefined;
  /** How long the server that answered had not heard from its leader (ms), from `X-Consul-LastContact`. */
  lastContact?: number;
  status: number;
}

/** The agent answered, but not with what was asked for. */
export class RefusedError extends MusterError {
  readonly status: number;
  /** What the agent said. */
  readonly body: string;

  constructor(message: string, status: number, body: string) {
    super('client.refused', message);
    this.status = status;
    this.body = body;
  }
}

const DEFAULT_TIMEOUT = 10_000;
/** Consul waits 5 minutes unless told otherwise, and up to a sixteenth longer, so that clients spread. */
const DEFAULT_WAIT = 300_000;
/** Milliseconds that Node's `fetch` waits for the beginning of an answer, and for each next piece of it. */
const FETCH_GIVES_UP = 300_000;
/** Of an error's body that is shown: enough for a sentence. */
const SHOWN_BODY = 300;

/** Speaks HTTP with one agent. */
export class Connection {
  /** Of the agent: a URL. */
  readonly address: string;
  readonly #base: string;
  readonly #options: ClientOptions;
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#base = baseUrl(options);
    this.address = socketOf(options.address) === undefined ? this.#base : (options.address as string);
    this.#options = options;
    this.#transport = transportOf(options);
  }

  /** Reads JSON. `undefined` for a status in `accept`. */
  async get<T>(request: Request): Promise<Answer<T>> {
    const { response, bytes } = await this.send(request);
    return {
      value: response.ok ? (parseJson(bytes, request.path) as T) : (undefined as T),
      index: indexOf(response),
      lastContact: Number(response.headers.get('x-consul-lastcontact') ?? 0) || 0,
      status: response.status,
    };
  }

  /** Reads what the catalog's endpoints answer, with their common options. */
  read<T>(
    path: string,
    options: ReadOptions,
    params: Params = {},
    accept: number[] = [],
  ): Promise<Answer<T>> {
    const { index, wait, consistency, filter, near, nodeMeta = {} } = options;
    const asked = {
      ...params,
      index,
      wait,
      filter,
      near,
      'node-meta': Object.entries(nodeMeta).map(([name, value]) => `${name}:${value}`),
      stale: consistency === 'stale',
      consistent: consistency === 'consistent',
    };
    const request: Request = { ...callOf(options), path, params: asked, accept };
    if (index !== undefined) {
      const longest = (wait === undefined ? undefined : parseDuration(wait)) ?? DEFAULT_WAIT;
      request.timeout = longest * (1 + 1 / 16) + (this.#options.timeout ?? DEFAULT_TIMEOUT);
    }
    return this.get<T>(request);
  }

  async put<T>(path: string, options: CallOptions, body?: unknown, params: Params = {}): Promise<T> {
    const request: Request = { ...callOf(options), method: 'PUT', path, params };
    if (body !== undefined) request.body = JSON.stringify(body);
    const { bytes } = await this.send(request);
    return (bytes.length === 0 ? undefined : parseJson(bytes, path)) as T;
  }

  /**
   * One request, its whole answer. Throws `client.unreachable`, `client.refused` (a `RefusedError`) or, when
   * `signal` is aborted, its reason.
   */
  async send(request: Request): Promise<{ response: Reply; bytes: Uint8Array }> {
    const { method = 'GET', path, signal, body } = request;
    signal?.throwIfAborted();
    const timeout = request.timeout ?? this.#options.timeout ?? DEFAULT_TIMEOUT;
    const giveUp = new AbortController();
    const onAbort = () => giveUp.abort();
    // Not AbortSignal.any: with a signal that lives as long as the program it would keep every call's own.
    signal?.addEventListener('abort', onAbort, { once: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      giveUp.abort();
    }, timeout);
    let response: Reply;
    let bytes: Uint8Array;
    try {
      const fetch = timeout < FETCH_GIVES_UP ? this.#transport.usual : this.#transport.patient;
      response = await fetch(this.#url(request), {
        method,
        headers: this.#headers(request),
        signal: giveUp.signal,
        redirect: 'error',
        ...(body === undefined ? {} : { body: body as string | Uint8Array<ArrayBuffer> }),
      });
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      signal?.throwIfAborted();
      const why = timedOut ? `no answer within ${timeout} ms` : fetchTrouble(cause);
      throw unreachable(this.address, why, cause);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
    if (!response.ok && !request.accept?.includes(response.status))
      throw refused(method, path, response.status, bytes);
    return { response, bytes };
  }

  /** An answer without an end, piece by piece, until `signal` is aborted or the agent ends it. Throws as `send`. */
  async *stream(request: Request): AsyncGenerator<Uint8Array, void, undefined> {
    const { method = 'GET', path, signal } = request;
    signal?.throwIfAborted();
    try {
      const response = await this.#transport.patient(this.#url(request), {
        method,
        headers: this.#headers(request),
        redirect: 'error',
        ...(signal === undefined ? {} : { signal }),
      });
      if (!response.ok)
        throw refused(method, path, response.status, new Uint8Array(await response.arrayBuffer()));
      const reader = response.body?.getReader();
      for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read())
        yield piece.value;
    } catch (cause) {
      if (signal?.aborted) return;
      throw cause instanceof MusterError ? cause : unreachable(this.address, fetchTrouble(cause), cause);
    }
  }

  #url({ path, params = {}, datacenter = this.#options.datacenter }: Request): string {
    const query: string[] = [];
    const all: Params = { ...params, dc: datacenter };
    for (const [name, value] of Object.entries(all)) {
      if (value === undefined || value === false) continue;
      for (const one of Array.isArray(value) ? value : [value])
        query.push(one === true ? name : `${name}=${encodeURIComponent(String(one))}`);
    }
    return `${this.#base}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  }

  #headers({ token = this.#options.token, body }: Request): Record<string, string> {
    const headers: Record<string, string> = {};
    if (token !== undefined && token !== '') headers['X-Consul-Token'] = token;
    if (this.#options.basicAuth !== undefined)
      headers.Authorization = `Basic ${toBase64(new TextEncoder().encode(this.#options.basicAuth))}`;
    if (typeof body === 'string') headers['Content-Type'] = 'application/json';
    return headers;
  }
}

/** Only those of `options` that every call has. */
export function callOf({ signal, datacenter, token }: CallOptions): CallOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(datacenter === undefined ? {} : { datacenter }),
    ...(token === undefined ? {} : { token }),
  };
}

/**
 * A name as one segment of a path. "." and ".." cannot be sent: a URL loses them, and the request would reach
 * another endpoint.
 */
export function segment(name: string): string {
  if (name === '.' || name === '..')
    throw new MusterError('request.invalid', `${JSON.stringify(name)} cannot be a name in the HTTP API.`);
  return encodeURIComponent(name);
}

function indexOf(response: Reply): number | undefined {
  const text = response.headers.get('x-consul-index');
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    // Of keys: the only numbers in answers that may need all 64 bits.
    return parseUint64(text, 'Flags');
  } catch {
    throw new RefusedError(
      `the answer to ${path} is not JSON (${JSON.stringify(text.slice(0, 60))}). Is the address that of a Muster or Consul agent?`,
      200,
      text,
    );
  }
}

function unreachable(address: string, why: string, cause: unknown): MusterError {
  const known = TROUBLES.find(({ is }) => is.test(why));
  const {
    said = why,
    remedy = 'Start an agent there (`muster agent -dev`), or set CONSUL_HTTP_ADDR to where one runs.',
  } = known ?? {};
  return new MusterError('client.unreachable', `no agent answers at ${address}: ${said}. ${remedy}`, {
    cause,
  });
}

/** What can be told better than the system or OpenSSL do. */
const TROUBLES: readonly { is: RegExp; said?: string; remedy: string }[] = [
  {
    is: /wrong version number|packet length too long/,
    said: 'what listens there does not speak TLS',
    remedy: 'Write http:// in front of the address, or name the port that speaks TLS (8501).',
  },
  {
    is: /certificate required|alert bad certificate|alert unknown ca/,
    said: 'it takes only clients with a certificate that it knows',
    remedy:
      'Name yours and its key: CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY, or -client-cert and -client-key.',
  },
  {
    is: /certificate|self-signed|unable to verify/i,
    remedy: 'Name the certificate of its authority in CONSUL_CACERT.',
  },
  {
    is: /socket hang up|other side closed|ECONNRESET|^aborted$/,
    said: 'the connection was closed without an answer',
    remedy: 'If that port speaks TLS, write https:// in front of the address.',
  },
];

function refused(method: string, path: string, status: number, bytes: Uint8Array): RefusedError {
  const body = new TextDecoder().decode(bytes).trim();
  const said = body === '' ? 'nothing more' : body.slice(0, SHOWN_BODY);
  return new RefusedError(
    `the agent refused ${method} ${path} with ${status}: ${said}.${remedyFor(status, body, path)}`.replace(
      /([.?])\.(?= |$)/,
      '$1',
    ),
    status,
    body,
  );
}

function remedyFor(status: number, body: string, path: string): string {
  if (body.includes('ACL support disabled'))
    return ' Its configuration switches access control on: `enabled = true` in [acl].';
  if (body.includes('ACL not found') && !path.startsWith('/v1/acl/'))
    return ' It knows no such token: look at what CONSUL_HTTP_TOKEN says.';
  if (status === 401 || status === 403) return ' Set CONSUL_HTTP_TOKEN to a token that may do this.';
  // What is not there was named; an endpoint that is not there was not.
  if (status === 404 && !body.startsWith('No '))
    return ' Check the name, and that the agent is new enough to know this endpoint.';
  if (status === 429) return ' Ask less often.';
  if (status >= 300 && status < 400) return ' Is the address that of a Muster or Consul agent?';
  if (body.includes('No cluster leader') || body.includes('No known Consul servers'))
    return ' No majority of the servers can be reached from there: try again in a moment; if it stays so, the log of the agent says where it looks for them.';
  if (status > 500 || body.includes('leader')) return ' Try again in a moment.';
  // A bare 500 is also Consul's answer to what it cannot do for us: it has said why.
  return status === 500 && body === '' ? ' The log of the agent says why.' : '';
}
