/** One request to an instance that speaks HTTP/2: the engine's HTTP/1.1 made a stream, what comes back made HTTP/1.1. */
import { STATUS_CODES } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { READ, READ_SIZE } from '../http1/memory.ts';
import { METHOD_HEAD, RequestHead } from '../http1/request-head.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import { nodeTurn } from '../node-turn.ts';
import type { Lack } from '../shortage.ts';
import { ChunkReader } from './chunk-reader.ts';
import { isGrpc } from './grpc.ts';
import { chunkOf, headersOf, lastChunkOf, latin1, linesOf, textOf, trailersOf } from './text.ts';

/** What a stream needs of the connection that it goes over. */
export interface UpstreamHome {
  readonly engine: Engine;
  readonly http2: ClientHttp2Session;
  readonly target: Target;
  readonly connected: boolean;
  /** It has carried other streams before. */
  readonly reused: boolean;
  readonly lack: Lack | undefined;
  readonly trouble: string;
  /** The instance said that it takes no stream behind this id. */
  readonly lastStream: number;
  left(stream: UpstreamStream): void;
  /** A stream was given up before its end. */
  doubt(): void;
}

const END_STREAM = constants.NGHTTP2_FLAG_END_STREAM;

const head = new RequestHead();

export class UpstreamStream implements UpstreamLink {
  readonly target: Target;
  readonly reused: boolean;
  readonly #home: UpstreamHome;
  #session: Asking | undefined;
  #stream: ClientHttp2Stream | undefined;
  #isHead = false;
  #chunks: ChunkReader | undefined;
  #isChunked = false;
  #trailers = '';
  #isOver = false;

  constructor(home: UpstreamHome, session: Asking) {
    this.#home = home;
    this.#session = session;
    this.target = home.target;
    this.reused = home.reused;
  }

  get connected(): boolean {
    return this.#home.connected;
  }

  get lack(): Lack | undefined {
    return this.#home.lack;
  }

  get trouble(): string {
    return this.#home.trouble;
  }

  /** The instance has not looked at the request: it may be sent again whatever its method (RFC 9113 §8.7). */
  get untouched(): boolean {
    const stream = this.#stream;
    if (stream === undefined) return true;
    return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > this.#home.lastStream;
  }

  // Events of the connection

  opened(): void {
    this.#session?.dispatch.opened(this);
  }

  /** The connection is gone, or never stood. */
  lost(): void {
    const left = this.#part();
    left?.upstreamClosed(this, true);
  }

  // What the engine asks for

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    nodeTurn.isDue = true;
    const block = bytes.subarray(start, end);
    const behind = head.scan(block, 0, block.length, COMPOSED_LIMITS);
    if (behind <= 0) throw new Error(`a request of the engine that cannot be read (${behind})`);
    const { fields } = head;
    this.#isHead = head.method === METHOD_HEAD;
    const headers: OutgoingHttpHeaders = headersOf(block, fields);
    delete headers.host;
    // The engine takes TE off, since it is about one connection; gRPC needs it said anew on each.
    if (isGrpc(headers['content-type'])) headers.te = 'trailers';
    const hasBody = head.hasBody();
    if (fields.chunked) this.#chunks = new ChunkReader();
    const stream = this.#home.http2.request(
      {
        ':method': textOf(block, head.start, head.methodEnd),
        ':path': textOf(block, head.targetStart, head.targetEnd),
        ':authority': textOf(block, head.hostStart, head.hostEnd),
        ':scheme': this.target.tls === undefined ? 'http' : 'https',
        ...headers,
      },
      { endStream: !hasBody, waitForTrailers: fields.chunked },
    );
    this.#stream = stream;
    if (!hasBody) stream.end();
    this.#left = hasBody && !fields.chunked ? fields.contentLength : 0;
    this.#listen(stream);
    return behind === block.length || this.#pass(block, behind, block.length);
  }

  #left = 0;

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers, flags) => this.#respond(headers, (flags & END_STREAM) !== 0));
    stream.on('headers', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader) =>
      this.#say(latin1(`HTTP/1.1 ${headers[':status']} \r\n${linesOf(headers)}\r\n`)),
    );
    stream.on('data', (chunk: Buffer) => this.#feed(chunk));
    stream.on('trailers', (trailers) => {
      this.#trailers = linesOf(trailers);
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailersOf(this.#chunks?.trailers() ?? [])));
    stream.on('end', () => {
      if (this.#isChunked) this.#say(lastChunkOf(this.#trailers));
    });
    stream.on('drain', () => this.#session?.upstreamDrained());
    stream.on('error', ignore);
    stream.on('close', () => {
      const left = this.#part();
      left?.upstreamClosed(this, false);
    });
  }

  #respond(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, isAll: boolean): void {
    const status = headers[':status'] ?? 0;
    const isEmpty = status === 204 || status === 304 || this.#isHead;
    const hasLength = headers['content-length'] !== undefined;
    this.#isChunked = !isEmpty && !isAll && !hasLength;
    const framing = this.#isChunked
      ? 'Transfer-Encoding: chunked\r\n'
      : isAll && !isEmpty && !hasLength
        ? 'Content-Length: 0\r\n'
        : '';
    this.#say(
      latin1(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${framing}${linesOf(headers)}\r\n`),
    );
  }

  /** Gives the engine bytes of the instance. */
  #say(bytes: Buffer): void {
    const { memory } = this.#home.engine;
    for (let at = 0; at < bytes.length; at += READ_SIZE) {
      const piece = bytes.subarray(at, at + READ_SIZE);
      memory.set(piece, READ);
      this.#session?.upstreamReceived(READ, READ + piece.length);
    }
  }

  #feed(chunk: Buffer): void {
    this.#say(this.#isChunked ? chunkOf(chunk) : chunk);
  }

  send(start: number, end: number): boolean {
    nodeTurn.isDue = true;
    return this.#pass(this.#home.engine.memory, start, end);
  }

  /** More of the request's body. */
  #pass(bytes: Uint8Array, start: number, end: number): boolean {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed || stream.closed) return true;
    if (this.#chunks === undefined) {
      this.#left -= end - start;
      stream.write(Buffer.from(bytes.subarray(start, end)));
      if (this.#left <= 0) stream.end();
    } else {
      this.#chunks.read(bytes, start, end, (from, to) => stream.write(Buffer.from(bytes.subarray(from, to))));
      if (this.#chunks.done) stream.end();
    }
    return !stream.writableNeedDrain;
  }

  pause(): void {
    nodeTurn.isDue = true;
    this.#stream?.pause();
  }

  resume(): void {
    nodeTurn.isDue = true;
    this.#stream?.resume();
  }

  end(): void {
    nodeTurn.isDue = true;
    this.#stream?.end();
  }

  release(): void {
    this.#part();
  }

  destroy(): void {
    nodeTurn.isDue = true;
    const stream = this.#stream;
    this.#part();
    if (stream === undefined || stream.closed) return;
    stream.close(constants.NGHTTP2_CANCEL);
    this.#home.doubt();
  }

  /** No event reaches the session afterwards. */
  #part(): Asking | undefined {
    const session = this.#session;
    this.#session = undefined;
    if (!this.#isOver) {
      this.#isOver = true;
      this.#home.left(this);
    }
    return session;
  }
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
