/**
 * Spans of requests that are recorded: one for the request as its client sees it, one below it for each attempt at an instance. Named as
 * OpenTelemetry's semantic conventions for HTTP name them (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Nothing of it
 * runs for other requests.
 */
import type { Target } from '../../balance/balancer.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import type { Span } from '../../lib/otlp.ts';
import type { Route } from '../../route/table.ts';
import type { AccessEntry } from '../access-log.ts';
import { latin1, QUESTION, SPACE, textOf } from './bytes.ts';
import type { Failure } from './dispatch.ts';
import { now } from './exchange-log.ts';
import type { KeptRequest } from './kept-requests.ts';
import type { RequestHead } from './request-head.ts';
import { type Parent, spanId, type Trace, traceparentOf } from './trace.ts';

type Attributes = Record<string, string | number>;

/** Why an exchange, or an attempt, came to nothing where no status says so (`error.type`). */
export type SpanError = Failure | 'timeout' | 'bad-response' | 'aborted';

/** As the conventions list them; others would make names of spans out of whatever clients send. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE']);

/** Characters of what a client sends that are kept: a path is rarely longer, and thousands of spans wait for a collector that is away. */
const LONGEST = 1_024;

const USER_AGENT = latin1('user-agent');

/** Of the listener and its client. */
export interface SpanClient {
  readonly address: string;
  /** 0 where it is not known. */
  readonly port: number;
  readonly secure: boolean;
  readonly proto: AccessEntry['proto'];
}

export class RequestSpan {
  /** Of the final answer; 0 without one. */
  status = 0;
  /** Why it has none, or not the whole of it. */
  error: SpanError | undefined;
  readonly #trace: Trace;
  readonly #id = spanId();
  readonly #start = now();
  readonly #method: string;
  readonly #attributes: Attributes;
  readonly #finished: Span[] = [];
  /** What the instance that was asked last was told. */
  #told: Parent;
  #attempt: Attempt | undefined;
  #attempts = 0;

  /** A request's head was read, its path as the client sent it. `trace.span` is to be that of the first attempt. */
  constructor(trace: Trace, memory: Uint8Array, head: RequestHead, client: SpanClient) {
    this.#trace = trace;
    this.#told = trace;
    const method = textOf(memory, head.start, head.methodEnd);
    this.#method = METHODS.has(method) ? method : '_OTHER';
    const host = parseHostPort(textOf(memory, head.hostStart, head.hostEnd));
    const agent = head.fields.valueOf(memory, USER_AGENT);
    this.#attributes = {
      'http.request.method': this.#method,
      ...(this.#method === method ? {} : { 'http.request.method_original': cut(method) }),
      // Without the query: tokens and what people look for stand there.
      'url.path': cut(textOf(memory, head.pathStart, head.pathEnd)) || '/',
      'url.scheme': client.secure ? 'https' : 'http',
      'network.protocol.version': VERSIONS[client.proto],
      'client.address': client.address,
      'network.peer.address': client.address,
      ...(client.port === 0 ? {} : { 'network.peer.port': client.port }),
      ...(agent === undefined ? {} : { 'user_agent.original': cut(agent) }),
      ...serverOf(textOf(memory, head.hostStart, head.hostEnd), host),
    };
  }

  /** An instance is asked: `request`, which it is to be sent, tells it of this attempt's span from now on. */
  asks(target: Target, request: KeptRequest): void {
    this.#endAttempt();
    if (this.#attempts > 0) {
      const before = this.#told;
      this.#told = { ...before, span: spanId() };
      tell(request, before, this.#told);
    }
    this.#attempt = new Attempt(this.#told.span, target, pathIn(request), this.#attempts++);
  }

  /** The instance's final head, also of an answer that is thrown away. */
  answered(status: number): void {
    if (this.#attempt !== undefined) this.#attempt.status = status;
  }

  /** The last attempt came to nothing. */
  failed(error: SpanError): void {
    if (this.#attempt !== undefined) this.#attempt.error = error;
  }

  /** The connection to the instance is given up or given back. */
  released(): void {
    if (this.#attempt !== undefined) this.#attempt.end = now();
  }

  /** The exchange is over: all of its spans, the one of the request first. */
  end(route: Route | undefined): readonly Span[] {
    this.#endAttempt();
    const { status } = this;
    const error = this.error ?? (status === 0 ? 'aborted' : status >= 500 ? String(status) : undefined);
    const path = route === undefined ? undefined : pathOf(route);
    const name = this.#method === '_OTHER' ? 'HTTP' : this.#method;
    return [
      {
        traceId: this.#trace.id,
        spanId: this.#id,
        parentId: this.#trace.parent,
        name: path === undefined ? name : `${name} ${path}`,
        kind: 'server',
        start: this.#start,
        end: now(),
        attributes: {
          ...this.#attributes,
          ...(path === undefined ? {} : { 'http.route': path }),
          ...(route === undefined ? {} : { 'muster.route': route.id, 'muster.service': route.service }),
          ...(status === 0 ? {} : { 'http.response.status_code': status }),
          ...(error === undefined ? {} : { 'error.type': error }),
        },
        isError: error !== undefined,
      },
      ...this.#finished,
    ];
  }

  #endAttempt(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    const { id, target, number, start, end, status } = attempt;
    const { host, port } = target;
    const error = attempt.error ?? (status === 0 ? 'aborted' : status >= 400 ? String(status) : undefined);
    const scheme = target.tls === undefined ? 'http' : 'https';
    this.#finished.push({
      traceId: this.#trace.id,
      spanId: id,
      parentId: this.#id,
      name: this.#method === '_OTHER' ? 'HTTP' : this.#method,
      kind: 'client',
      start,
      end: end === 0 ? now() : end,
      attributes: {
        'http.request.method': this.#method,
        'url.full': `${scheme}://${formatHostPort(host, port)}${attempt.path}`,
        'url.scheme': scheme,
        'server.address': host,
        'server.port': port,
        'network.peer.address': host,
        'network.peer.port': port,
        ...(number === 0 ? {} : { 'http.request.resend_count': number }),
        ...(status === 0 ? {} : { 'http.response.status_code': status }),
        ...(error === undefined ? {} : { 'error.type': error }),
        'muster.instance': target.id,
      },
      isError: error !== undefined,
    });
  }
}

class Attempt {
  readonly id: string;
  readonly target: Target;
  /** As the instance was asked for it. */
  readonly path: string;
  /** From 0. */
  readonly number: number;
  readonly start = now();
  /** 0 while it is under way. */
  end = 0;
  status = 0;
  error: SpanError | undefined;

  constructor(id: string, target: Target, path: string, number: number) {
    this.id = id;
    this.target = target;
    this.path = path;
    this.number = number;
  }
}

const VERSIONS: Readonly<Record<AccessEntry['proto'], string>> = {
  'HTTP/1.0': '1.0',
  'HTTP/1.1': '1.1',
  'HTTP/2.0': '2',
};

/** The path of a route, which there are few of; its host is in `muster.route`. */
function pathOf({ id }: Route): string | undefined {
  const at = id.indexOf('/');
  return at < 0 ? undefined : id.slice(at);
}

/** As the client addressed us. */
function serverOf(authority: string, place: { host: string; port: number } | undefined): Attributes {
  if (authority === '') return {};
  return place === undefined
    ? { 'server.address': cut(authority) }
    : { 'server.address': cut(place.host), 'server.port': place.port };
}

function cut(text: string): string {
  return text.length > LONGEST ? text.slice(0, LONGEST) : text;
}

/** Turns the span that a composed request tells of into another one: what the instance does hangs on the attempt. */
function tell({ bytes, length }: KeptRequest, before: Parent, after: Parent): void {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, length).indexOf(lineOf(before), 0, 'latin1');
  if (at >= 0) bytes.set(latin1(lineOf(after)), at);
}

function lineOf(parent: Parent): string {
  return `\r\ntraceparent: ${traceparentOf(parent)}\r\n`;
}

/** The path that a composed request asks for. */
function pathIn({ bytes, length }: KeptRequest): string {
  const from = bytes.indexOf(SPACE) + 1;
  const end = Math.min(bytes.indexOf(SPACE, from), length);
  const query = bytes.indexOf(QUESTION, from);
  return cut(textOf(bytes, from, query < 0 ? end : Math.min(query, end)));
}
