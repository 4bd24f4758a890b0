import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { acceptsGzip } from './gzip.ts';
import { encodeJson } from './json/encode.ts';
import type { ReadyAnswers } from './ready.ts';
import type { ReadMeta, Reply } from './reply.ts';

const compress = promisify(gzip);

/** Below this many bytes compressing costs more than it saves: one segment on the wire either way. */
const MIN_COMPRESSED = 1400;

/** Types of content that compressing would not make smaller. */
const COMPRESSED = /^(?:application\/(?:x-)?gzip|image\/(?!svg)|font\/woff)/;

/** Writes a reply. The response headers that every answer has are already set; `ready` keeps what may come again. */
export async function send(
  reply: Reply,
  response: ServerResponse,
  request: IncomingMessage,
  { pretty, ready }: { pretty: boolean; ready: ReadyAnswers },
): Promise<void> {
  if (reply.kind === 'taken') {
    await reply.take(response, request);
    return;
  }
  if (reply.meta !== undefined) setMeta(response, reply.meta);
  for (const [name, value] of Object.entries(reply.headers ?? {}))
    response.setHeader(name, headerValue(value));
  response.statusCode = reply.status ?? 200;
  if (reply.kind === 'empty') {
    response.setHeader('Content-Length', '0');
    response.end();
    return;
  }
  if (reply.kind === 'encoded') {
    const { encoded, lasting } = reply;
    const zip = encoded.body.length >= MIN_COMPRESSED && acceptsGzip(request);
    const body = zip ? await encoded.gzipped() : encoded.body;
    response.setHeader('Content-Type', 'application/json');
    if (zip) response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Content-Length', String(body.length));
    if (lasting !== undefined) ready.keep(request, response, body, lasting);
    response.end(body);
    return;
  }
  const { body, contentType } = encode(reply, pretty);
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', contentType);
  if (body.length >= MIN_COMPRESSED && acceptsGzip(request) && !COMPRESSED.test(contentType)) {
    const compressed = await compress(body);
    response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Content-Length', compressed.length);
    response.end(compressed);
    return;
  }
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** What a client said may stand in a header (X-Consul-Reason): UTF-8 byte by byte, and no control character ends it. */
function headerValue(value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  return Buffer.from(value.replace(/\p{Cc}/gu, ' ')).toString('latin1');
}

function encode(
  reply: Exclude<Reply, { kind: 'empty' | 'taken' | 'encoded' }>,
  pretty: boolean,
): { body: Buffer; contentType: string } {
  switch (reply.kind) {
    case 'json':
      return { body: Buffer.from(encodeJson(reply.value, pretty)), contentType: 'application/json' };
    case 'text':
      return { body: Buffer.from(reply.text), contentType: reply.contentType };
    case 'bytes': {
      const { buffer, byteOffset, byteLength } = reply.bytes;
      return { body: Buffer.from(buffer, byteOffset, byteLength), contentType: reply.contentType };
    }
  }
}

/** A silence that never began, in ms: a client reads it as a number. */
const NEVER = 2 ** 31 - 1;

function setMeta(response: ServerResponse, { index, consistency, cache, contact }: ReadMeta): void {
  response.setHeader('X-Consul-Index', String(Math.max(1, index)));
  response.setHeader('X-Consul-KnownLeader', String(contact?.known ?? true));
  const silence = contact === undefined || contact.known ? 0 : Math.min(contact.silence, NEVER);
  response.setHeader('X-Consul-LastContact', String(silence));
  if (consistency !== undefined) response.setHeader('X-Consul-Effective-Consistency', consistency);
  if (cache === undefined) return;
  response.setHeader('X-Cache', cache.hit ? 'HIT' : 'MISS');
  if (cache.hit) response.setHeader('Age', String(cache.age));
}
