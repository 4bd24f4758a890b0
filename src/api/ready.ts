import type { IncomingMessage, ServerResponse } from 'node:http';
import { AnswerCache } from './answer-cache.ts';
import type { ApiContext } from './context.ts';
import { acceptsGzip, acceptsGzipHeader } from './gzip.ts';
import type { Lasting } from './reply.ts';

/** An answer as it goes out. */
interface Ready {
  /** Names and values by turns. */
  readonly head: string[];
  /** As `Encoded` has it. */
  readonly body: Buffer | string;
}

/** Errors of a response are those of its connection, which is over then. */
function nothing(): void {}

/** Before the address of an answer for clients that take gzip; no address begins so. */
const ZIPPED = 'z';

/** Longer addresses carry filters that hardly come again. */
const MAX_URL = 1024;

/**
 * Answers to GET by the very address that was asked, for clients that ask the same again and again: a look-up and
 * one write, without routing, parsing or encoding. Not used under access control, where the answer depends on the
 * token as well.
 */
export class ReadyAnswers {
  readonly #context: ApiContext;
  readonly #cache: AnswerCache<Ready>;

  constructor(context: ApiContext) {
    this.#context = context;
    this.#cache = new AnswerCache(context.catalog);
  }

  /** Hot path. False when the request has to go the long way. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'GET' || this.#context.acl !== undefined) return false;
    const { rawHeaders } = request;
    let zipped = false;
    // `request.headers` would be made for this; by its length a name is told from most others.
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      const { length } = name;
      if (length === 14 && name.toLowerCase() === 'content-length') return false;
      if (length === 17 && name.toLowerCase() === 'transfer-encoding') return false;
      if (length === 15 && name.toLowerCase() === 'accept-encoding') {
        // Twice in one head: rare, and the long way joins them.
        if (zipped) return false;
        zipped = acceptsGzipHeader(rawHeaders[i + 1] as string);
      }
    }
    const url = request.url as string;
    const ready = this.#cache.get(zipped ? ZIPPED + url : url);
    if (ready === undefined) return false;
    response.on('error', nothing);
    response.writeHead(200, ready.head);
    response.end(ready.body, 'latin1');
    return true;
  }

  /** Remembers an answer, where it may be given again. */
  keep(request: IncomingMessage, answer: Ready, { watched, index }: Lasting): void {
    const { method, url = '' } = request;
    if (method !== 'GET' || this.#context.acl !== undefined || url.length > MAX_URL) return;
    const key = acceptsGzip(request) ? ZIPPED + url : url;
    this.#cache.set(key, answer, { watched, index, bytes: answer.body.length });
  }
}
