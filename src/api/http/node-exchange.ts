import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, Take } from '../exchange.ts';
import { HttpError } from '../http-error.ts';
import { SHORT_BODY } from './short-body.ts';

/** Errors of a response are those of its connection, which is over then. */
function nothing(): void {}

/** The target without scheme and authority, with which a client asks that takes us for its proxy (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '');
  return path === target || path.startsWith('/') ? path : `/${path}`;
}

/** An exchange on Node's HTTP server. */
export class NodeExchange implements Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    request.url = originForm(request.url ?? '/');
    response.on('error', nothing);
  }

  get method(): string {
    return this.#request.method ?? '';
  }

  get url(): string {
    return this.#request.url ?? '/';
  }

  set url(url: string) {
    this.#request.url = url;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  get status(): number {
    return this.#response.statusCode;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  body(limit: number, tooLarge: (size: number) => string): Promise<Buffer> {
    return readBody(this.#request, limit, tooLarge);
  }

  whenOver(task: () => void): () => void {
    this.#response.once('close', task);
    return () => this.#response.off('close', task);
  }

  closeBehind(): void {
    this.#response.shouldKeepAlive = false;
  }

  /**
   * What `end` is given goes out as two pieces, the second one empty, for which Node takes a slower call and allocates; so the body
   * goes first, at once.
   */
  answer(status: number, fields: string[], body: Buffer | string | undefined): void {
    const response = this.#response;
    response.writeHead(status, fields);
    if (body !== undefined && body.length > 0) {
      const isReady = typeof body === 'string' || body.length > SHORT_BODY;
      response.write(isReady ? body : body.toString('latin1'), 'latin1');
      response.socket?.uncork();
    }
    response.end();
    if (!this.#request.complete) drain(this.#request);
  }

  take(fields: readonly string[], take: Take): void | Promise<void> {
    for (let i = 0; i < fields.length; i += 2)
      this.#response.setHeader(fields[i] as string, fields[i + 1] as string);
    return take(this.#response, this.#request);
  }

  abort(): void {
    this.#response.destroy();
  }
}

/** Bytes of a body for which room is made ahead. */
const LARGE_BODY = 1024 * 1024;

function readBody(raw: IncomingMessage, limit: number, tooLarge: (size: number) => string): Promise<Buffer> {
  const announced = Number(raw.headers['content-length'] ?? 0);
  if (announced > limit) return Promise.reject(new HttpError(413, tooLarge(announced)));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    // Copied as it comes, and not all at once when all is there.
    const whole = announced > LARGE_BODY ? Buffer.allocUnsafe(announced) : undefined;
    let size = 0;
    const settle = (error?: Error) => {
      raw.off('data', take).off('end', settle).off('error', cut).off('close', cut);
      if (error !== undefined) reject(error);
      else resolve(whole ?? (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    };
    const take = (chunk: Buffer) => {
      if (whole === undefined) chunks.push(chunk);
      else chunk.copy(whole, size);
      size += chunk.length;
      if (size > limit) settle(new HttpError(413, tooLarge(size)));
    };
    const cut = () => settle(new HttpError(400, 'unexpected EOF'));
    // A client that goes away in between is an error event ("aborted") to Node: its affair, none of ours.
    raw.on('data', take).once('end', settle).once('error', cut).once('close', cut);
  });
}

/** Bytes of a body nobody asked for that are read and dropped, so that the answer is not lost in a reset. */
const MAX_DRAIN = 8 * 1024 * 1024;

/** Drops what is left of a body; a client that sends more than `MAX_DRAIN` is cut off. */
function drain(raw: IncomingMessage): void {
  let size = 0;
  raw.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DRAIN) raw.destroy();
  });
}
