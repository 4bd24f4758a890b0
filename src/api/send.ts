import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Exchange } from './exchange.ts';
import { acceptsGzip } from './gzip.ts';
import type { Head } from './head.ts';
import { encodeJson } from './json/encode.ts';
import type { ReadyAnswers } from './ready.ts';
import { type ReadMeta, type Reply, silenceOf } from './reply.ts';

const compress = promisify(gzip);

/** Below this many bytes compressing costs more than it saves: one segment on the wire either way. */
const MIN_COMPRESSED = 1400;

/** Types of content that compressing would not make smaller. */
const COMPRESSED = /^(?:application\/(?:x-)?gzip|image\/(?!svg)|font\/woff)/;

/**
 * Writes a reply with the fields of `head`, which every answer has, and its own. `ready` keeps what may come again.
 */
export async function send(
  reply: Reply,
  exchange: Exchange,
  { head, pretty, ready }: { head: Head; pretty: boolean; ready: ReadyAnswers },
): Promise<void> {
  if (reply.kind === 'taken') {
    await exchange.take(head.fields, reply.take);
    return;
  }
  const { status = 200 } = reply;
  if (reply.meta !== undefined) setMeta(head, reply.meta);
  for (const name in reply.headers) head.set(name, headerValue(reply.headers[name] as string));
  let body: Buffer | string | undefined;
  if (reply.kind === 'encoded') {
    const { encoded, lasting } = reply;
    const zip = encoded.body.length >= MIN_COMPRESSED && acceptsGzip(exchange);
    body = zip ? await encoded.gzipped() : (encoded.short ?? encoded.body);
    head.set('Content-Type', 'application/json');
    if (zip) head.set('Content-Encoding', 'gzip');
    head.set('Content-Length', String(body.length));
    if (lasting !== undefined) ready.keep(exchange, { head: head.fields, body }, lasting);
  } else if (reply.kind === 'empty') head.set('Content-Length', '0');
  else {
    const { body: plain, contentType } = encode(reply, pretty);
    body = plain;
    if (!head.has('Content-Type')) head.set('Content-Type', contentType);
    if (body.length >= MIN_COMPRESSED && acceptsGzip(exchange) && !COMPRESSED.test(contentType)) {
      body = await compress(body);
      head.set('Content-Encoding', 'gzip');
    }
    head.set('Content-Length', String(body.length));
  }
  exchange.answer(status, head.fields, body);
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

export function setMeta(head: Pick<Head, 'set'>, meta: ReadMeta): void {
  const { index, consistency, cache, contact } = meta;
  head.set('X-Consul-Index', String(Math.max(1, index)));
  head.set('X-Consul-KnownLeader', String(contact?.known ?? true));
  head.set('X-Consul-LastContact', String(silenceOf(meta)));
  if (consistency !== undefined) head.set('X-Consul-Effective-Consistency', consistency);
  if (cache === undefined) return;
  head.set('X-Cache', cache.hit ? 'HIT' : 'MISS');
  if (cache.hit) head.set('Age', String(cache.age));
}
