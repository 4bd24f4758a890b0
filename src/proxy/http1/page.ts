/** The answers we give ourselves: short plain text that says why and what to do. */
import { latin1 } from './bytes.ts';
import type { Failure } from './dispatch.ts';
import type { Refusal } from './refusals.ts';

const REASONS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export interface PageOptions {
  status: number;
  text: string;
  /** The request was HEAD: the length of the page, but no page. */
  isHead: boolean;
  /** What the client is told of its connection. */
  connection: 'close' | 'keep-alive' | undefined;
  /** The present Date line. */
  date: Uint8Array;
}

/** Writes a whole response at `at`; the answer is the position behind it. */
export function composePage(memory: Uint8Array, at: number, options: PageOptions): number {
  const { status, text, isHead, connection, date } = options;
  const reason = REASONS[status] ?? 'Error';
  const body = new TextEncoder().encode(text === '' ? '' : `${status} ${reason}: ${text}\n`);
  const head = latin1(
    `HTTP/1.1 ${status} ${reason}\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
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
    case 'none':
      return {
        status: 503,
        text: `${service} has no healthy instance. Look at the health checks of its instances`,
      };
    case 'lack':
      return {
        status: 503,
        text: `${service} was not asked: the load balancer has no file descriptors or ports left for a connection. Try again, or raise its limits`,
      };
    case 'refused':
      return {
        status: 502,
        text: `${service} could not be reached: its instances refuse connections. Check that they run and listen`,
      };
    case 'no-tls':
      return {
        status: 502,
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
