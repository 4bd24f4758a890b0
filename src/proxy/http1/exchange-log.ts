/** What is remembered of an exchange for its line in the access log. Made for each request only where there is a log. */
import { performance } from 'node:perf_hooks';
import type { Target } from '../../balance/balancer.ts';
import { extend } from '../../lib/extend.ts';
import { type AccessEntry, type AccessFormat, accessFormat } from '../access-log.ts';
import { LineWriter } from '../line-writer.ts';
import { COLON, CR, latin1, SPACE, textOf } from './bytes.ts';
import { UPGRADE } from './fields.ts';
import type { RequestHead } from './request-head.ts';
import { toldScheme } from './told-scheme.ts';
import type { Trace } from './trace.ts';

/** A request under way. */
export interface LoggedExchange {
  readonly method: string;
  readonly uri: string;
  readonly host: string;
  readonly proto: AccessEntry['proto'];
  /** As a proxy in front of us tells it; "" where none does. */
  readonly toldScheme: string;
  readonly isWebSocket: boolean;
  readonly headers: Record<string, string>;
  readonly start: number;
  service: string;
  target: Target | undefined;
  upstreamUri: string;
  traceId: string;
  spanId: string;
  status: number;
  size: number;
}

export class ExchangeLog {
  readonly #format: AccessFormat;
  readonly #names: readonly Uint8Array[];
  /** Those of them that instances may be sent otherwise than by the client. */
  readonly #told: readonly string[];
  readonly #writer: LineWriter;

  constructor({ format, target }: { format: string; target: string }, onTrouble: (why: string) => void) {
    this.#format = accessFormat(format);
    this.#names = this.#format.headers.map(latin1);
    this.#told = this.#format.headers.filter((name) => !AS_CLIENTS_SENT.has(name));
    this.#writer = new LineWriter(target, onTrouble);
  }

  /** A request's head has been read. */
  begin(memory: Uint8Array, head: RequestHead, proto?: AccessEntry['proto']): LoggedExchange {
    return {
      ...this.unread(proto ?? (head.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1')),
      method: textOf(memory, head.start, head.methodEnd),
      // http://host?query is for "/?query".
      uri: `${head.pathStart === head.pathEnd ? '/' : ''}${textOf(memory, head.pathStart, head.targetEnd)}`,
      host: textOf(memory, head.hostStart, head.hostEnd),
      toldScheme: toldScheme(memory, head.fields),
      isWebSocket: isWebSocket(memory, head),
      headers: this.#headers(memory, head),
    };
  }

  /** What came is no request that anything is known of. */
  unread(proto: AccessEntry['proto'] = 'HTTP/1.1'): LoggedExchange {
    return {
      method: '',
      uri: '',
      host: '',
      proto,
      toldScheme: '',
      isWebSocket: false,
      headers: {},
      start: now(),
      service: '',
      target: undefined,
      upstreamUri: '',
      traceId: '',
      spanId: '',
      status: 0,
      size: 0,
    };
  }

  /** The request was put together for an instance at [start, …) of the memory: what it is asked for, and in which trace. */
  composed(exchange: LoggedExchange, memory: Uint8Array, start: number, trace: Trace | undefined): void {
    if (trace !== undefined) {
      exchange.traceId = trace.id;
      exchange.spanId = trace.span;
    }
    const from = memory.indexOf(SPACE, start) + 1;
    exchange.upstreamUri = textOf(memory, from, memory.indexOf(SPACE, from));
    if (this.#told.length > 0) this.#retell(exchange.headers, memory, start);
  }

  /** What instances are sent counts, as in fabio: the id that a request was given is looked for in both logs. */
  #retell(headers: Record<string, string>, memory: Uint8Array, start: number): void {
    const end = memory.indexOf(CR, start);
    for (const name of this.#told) delete headers[name];
    for (
      let line = end + 2, to = memory.indexOf(CR, line);
      to > line;
      line = to + 2, to = memory.indexOf(CR, line)
    ) {
      const colon = memory.indexOf(COLON, line);
      for (const name of this.#told)
        if (name.length === colon - line && name === textOf(memory, line, colon).toLowerCase())
          headers[name] ??= textOf(memory, colon + 1, to).trim();
    }
  }

  /** It is over. `remotePort` is 0 where it is not known. */
  end(exchange: LoggedExchange, remoteHost: string, remotePort: number, isSecure: boolean): void {
    const { target } = exchange;
    const scheme = `${exchange.isWebSocket ? 'ws' : 'http'}${isSecure ? 's' : ''}`;
    const more: Omit<AccessEntry, Exclude<keyof LoggedExchange, 'status'>> = {
      remoteHost,
      remotePort,
      scheme: exchange.toldScheme || scheme,
      end: now(),
      status: exchange.status || CLIENT_LEFT,
      upstreamHost: target?.host ?? '',
      upstreamPort: target?.port ?? 0,
      upstreamScheme: target?.tls === undefined ? 'http' : 'https',
    };
    this.#writer.write(this.#format.line(extend(exchange, more)));
  }

  /** Writes what waits, then ends; resolves when all is written, or lost. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  #headers(memory: Uint8Array, { fields }: RequestHead): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [at, name] of this.#names.entries()) {
      const value = fields.valueOf(memory, name);
      if (value !== undefined) headers[this.#format.headers[at]!] = value;
    }
    return headers;
  }
}

/** The connection, or the stream of HTTP/2, ended before there was an answer: as fabio and nginx have it. */
const CLIENT_LEFT = 499;

/** Where somebody else is told otherwise on purpose: these say who asked for what. */
const AS_CLIENTS_SENT: ReadonlySet<string> = new Set(['host', 'connection', 'x-forwarded-for']);

const UPGRADE_NAME = latin1('upgrade');

function isWebSocket(memory: Uint8Array, { fields }: RequestHead): boolean {
  return fields.has(UPGRADE) && fields.valueOf(memory, UPGRADE_NAME)?.toLowerCase() === 'websocket';
}

/** Milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
