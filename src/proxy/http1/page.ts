/** The answers we give ourselves: short plain text that says why and what to do. */
import { STATUS_CODES } from 'node:http';
import { latin1 } from './bytes.ts';
import type { Failure } from './dispatch.ts';
import type { Refusal } from './refusals.ts';

/** A whole answer of our own. */
export interface OwnPage {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Further field lines, each with its line end. */
  readonly lines: string;
}

export const TEXT = 'text/plain; charset=utf-8';
export const HTML = 'text/html; charset=utf-8';

/** A shortage passes: a second is what a restart or a queue takes. */
const RETRY_AFTER = 'Retry-After: 1\r\n';

export function plainPage(status: number, body: string, lines = ''): OwnPage {
  return { status, type: TEXT, body, lines };
}

/** For bodies beyond what a route takes. */
export function tooLarge(most: number): Refusal {
  return { status: 413, text: `the request body is longer than the ${most} bytes that this route takes` };
}

/** The status and a sentence; no body when there is nothing to say. */
export function sentence(status: number, text: string): OwnPage {
  const lines = status === 503 ? RETRY_AFTER : '';
  return plainPage(status, text === '' ? '' : `${status} ${reasonOf(status)}: ${text}\n`, lines);
}

function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

export interface PageOptions {
  /** The request was HEAD: the length of the page, but no page. */
  isHead: boolean;
  /** What the client is told of its connection. */
  connection: 'close' | 'keep-alive' | undefined;
  /** The present Date line. */
  date: Uint8Array;
}

/** Longest page; the rest is cut off: it has to fit into the memory that answers are put together in. */
const MOST = 131_072;

/** Writes a whole response at `at`; the answer is the position behind it. */
export function composePage(memory: Uint8Array, at: number, page: OwnPage, options: PageOptions): number {
  const { status, type, lines } = page;
  const { isHead, connection, date } = options;
  const body = new TextEncoder().encode(page.body).subarray(0, MOST);
  const head = latin1(
    `HTTP/1.1 ${status} ${reasonOf(status)}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n${lines}` +
      (connection === undefined ? '' : `Connection: ${connection}\r\n`),
  );
  let out = at;
  for (const part of [head, date, latin1('\r\n'), isHead ? new Uint8Array() : body]) {
    memory.set(part, out);
    out += part.length;
  }
  return out;
}

/** What to say when no instance could be given the request; `failure` is how the last attempt ended. */
export function undelivered(failure: Failure, service: string): Refusal {
  switch (failure) {
    case 'busy':
      return {
        status: 503,
        text: `${service} has as many requests as its instances may have at a time. Try again soon`,
      };
    case 'none':
      return {
        status: 503,
        text: `${service} has no healthy instance. Look at the health checks of its instances`,
      };
    case 'lack':
      return {
        status: 503,
        text: `${service} was not asked: the load balancer has no file descriptors, ports or memory left for a connection. Try again, or raise its limits`,
      };
    case 'refused':
      return {
        status: 502,
        text: `${service} could not be reached: its instances refuse connections, or no address is known for them. Check that they run and listen, and what the log says`,
      };
    case 'no-tls':
      return {
        status: 500,
        text: `${service} could not be reached: its instances refuse TLS connections or their certificates are not trusted. The log has the reason`,
      };
    case 'connect-timeout':
      return {
        status: 504,
        text: `${service} could not be reached in time: its instances do not take connections. Check that they run`,
      };
    case 'cut':
      return {
        status: 502,
        text: `${service} closed the connection before it answered. It may have acted upon the request, which was not repeated (further)`,
      };
  }
}
