import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Acl } from '../acl/acl.ts';
import type { Ending } from '../lib/ending.ts';
import { authorizerOf, permissionDenied } from './access.ts';
import { type ApiRequest, MAX_BODY, type Method } from './endpoint.ts';
import { HttpError } from './http-error.ts';
import type { Query } from './query.ts';

interface RequestParts {
  raw: IncomingMessage;
  response: ServerResponse;
  path: string;
  params: Readonly<Record<string, string>>;
  query: Query;
  acl: Acl | undefined;
  /** Ends when the server stops. */
  stopping: Ending;
}

/** The request as handlers see it. */
export function apiRequest({ raw, response, path, params, query, acl, stopping }: RequestParts): ApiRequest {
  let signal: AbortSignal | undefined;
  const token = tokenOf(raw.headers, query.get('token'));
  return {
    method: raw.method as Method,
    path,
    params,
    query,
    headers: raw.headers,
    token,
    get authorizer() {
      return authorizerOf(acl, token);
    },
    authorize(resource, wanted, name) {
      if (!authorizerOf(acl, token).allows(resource, wanted, name)) throw permissionDenied();
    },
    remoteAddress: raw.socket.remoteAddress ?? '',
    raw,
    // Made on demand: most requests are answered at once and never look at it.
    get signal() {
      if (signal === undefined) {
        const controller = new AbortController();
        signal = controller.signal;
        whenGone(response, stopping, () => controller.abort());
      }
      return signal;
    },
    whenGone: (task) => whenGone(response, stopping, task),
    body: ({ limit = MAX_BODY, tooLarge = (size: number) => bodyTooLarge(size, limit) } = {}) =>
      readBody(raw, limit, tooLarge),
  };
}

function bodyTooLarge(size: number, limit: number): string {
  return `Request body(${size} bytes) too large, max size: ${limit} bytes.`;
}

function whenGone(response: ServerResponse, stopping: Ending, task: () => void): () => void {
  if (stopping.ended || response.destroyed) {
    task();
    return () => {};
  }
  const forget = () => {
    response.off('close', gone);
    keep();
  };
  const gone = () => {
    forget();
    task();
  };
  const keep = stopping.on(gone);
  response.once('close', gone);
  return forget;
}

/** The token that came with a request, or "": `asked` is that of its query, which comes first. */
export function tokenOf(headers: IncomingHttpHeaders, asked: string): string {
  if (asked !== '') return asked;
  const header = headers['x-consul-token'];
  if (typeof header === 'string' && header !== '') return header;
  return /^bearer\s+(.*\S)\s*$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

function readBody(raw: IncomingMessage, limit: number, tooLarge: (size: number) => string): Promise<Buffer> {
  const announced = Number(raw.headers['content-length'] ?? 0);
  if (announced > limit) return Promise.reject(new HttpError(413, tooLarge(announced)));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (error?: Error) => {
      raw.off('data', take).off('end', settle).off('error', cut).off('close', cut);
      if (error !== undefined) reject(error);
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
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
export function drain(raw: IncomingMessage): void {
  let size = 0;
  raw.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DRAIN) raw.destroy();
  });
}
