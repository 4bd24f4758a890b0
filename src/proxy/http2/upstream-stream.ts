/** One request to an instance that speaks HTTP/2: the engine's HTTP/1.1 made a stream, what comes back made HTTP/1.1. */
import { STATUS_CODES } from 'node:http';
import type { Target } from '../../balance/balancer.ts';
import { latin1, put, textOf } from '../http1/bytes.ts';
import type { Engine } from '../http1/engine.ts';
import { CONTENT_TYPE, HOST_FIELD } from '../http1/fields.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { READ, READ_SIZE } from '../http1/memory.ts';
import { METHOD_HEAD, RequestHead } from '../http1/request-head.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import type { Lack } from '../shortage.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { Endpoint } from './endpoint.ts';
import { CANCEL, PROTOCOL_ERROR, REFUSED_STREAM } from './frames.ts';
import { isGrpc } from './grpc.ts';
import type { FieldBlock } from './hpack/field-block.ts';
import { Http2Stream } from './stream.ts';
import { Body, lastChunkOf, writeFields } from './text.ts';

/** What a stream needs of the connection that it goes over. */
export interface UpstreamHome extends Endpoint {
  readonly target: Target;
  readonly connected: boolean;
  /** It has carried other streams before. */
  readonly reused: boolean;
  readonly lack: Lack | undefined;
  readonly trouble: string;
  /** The instance said that it takes no stream behind this id. */
  readonly lastStream: number;
  /** Gives it an id and a window: it begins now. */
  begin(stream: UpstreamStream): void;
  /** Nobody asks for it any more, begun or not. */
  left(stream: UpstreamStream): void;
  /** One less is under way: it may be the last one that it waited for. */
  settle(): void;
  /** A stream was given up before its end, which had begun then (engine time). */
  doubt(since: number): void;
}

const head = new RequestHead();

const CRLF = latin1('\r\n');
const CHUNKED = latin1('Transfer-Encoding: chunked\r\n');
const NO_BODY = latin1('Content-Length: 0\r\n');
const NOTHING = new Uint8Array();
/** More than a status line and what says how long the body is. */
const AROUND = 128;

const statusLines = new Map<number, Uint8Array>();

function statusLineOf(status: number): Uint8Array {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = latin1(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`);
    statusLines.set(status, line);
  }
  return line;
}

export class UpstreamStream extends Http2Stream implements UpstreamLink {
  readonly target: Target;
  readonly reused: boolean;
  readonly #home: UpstreamHome;
  readonly #engine: Engine;
  #session: Asking | undefined;
  #isHead = false;
  /** Engine time. */
  #begunAt = 0;
  /** Of the request's body. */
  #chunks: ChunkReader | undefined;
  #left = 0;
  /** Of the answer, once its head is there. */
  #body: Body | undefined;
  #isAnswered = false;
  #trailers = '';

  constructor(home: UpstreamHome, session: Asking) {
    super(home);
    this.#home = home;
    this.#engine = home.engine;
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
    return this.id === 0 || this.resetCode === REFUSED_STREAM || this.id > this.#home.lastStream;
  }

  // Events of the connection

  opened(): void {
    this.#session?.dispatch.opened(this);
  }

  /** A head of the answer, or its trailers. */
  headersCame(block: FieldBlock, isAll: boolean): void {
    const isFine = this.#isAnswered ? isAll && block.isTrailers : block.isAnswer;
    if (!isFine || block.end + AROUND > READ_SIZE) {
      this.reset(PROTOCOL_ERROR);
      return;
    }
    if (this.#isAnswered) {
      this.#trailers = textOf(block.lines, 0, block.end);
      this.receiveEnd();
      return;
    }
    const { status } = block;
    if (status < 200) {
      if (isAll || status === 101) this.reset(PROTOCOL_ERROR);
      else this.#sayHead(status, NOTHING, block);
      return;
    }
    this.#respond(status, block, isAll);
  }

  #respond(status: number, block: FieldBlock, isAll: boolean): void {
    this.#isAnswered = true;
    const isEmpty = status === 204 || status === 304 || this.#isHead;
    // Its trailers say how the call ended, and behind a length HTTP/1.1 has none.
    if (!isAll && !isEmpty && block.contentLength >= 0 && isGrpc(block.contentType)) block.dropLength();
    const length = block.contentLength;
    if (isAll && length > 0 && !isEmpty) {
      this.reset(PROTOCOL_ERROR);
      return;
    }
    if (!isEmpty && !isAll) this.#body = new Body(length);
    let framing: Uint8Array = NOTHING;
    if (this.#body?.isChunked === true) framing = CHUNKED;
    else if (isAll && !isEmpty && length < 0) framing = NO_BODY;
    if (isAll) this.peerHasEnded = true;
    this.#sayHead(status, framing, block);
    if (isAll) this.endedWithHead();
  }

  #sayHead(status: number, framing: Uint8Array, block: FieldBlock): void {
    const { memory } = this.#engine;
    const at = put(memory, framing, put(memory, statusLineOf(status), READ));
    memory.set(block.lines.subarray(0, block.end), at);
    this.#session?.upstreamReceived(READ, put(memory, CRLF, at + block.end));
  }

  protected onData(bytes: Uint8Array, from: number, to: number): void {
    const body = this.#body;
    if (body === undefined || !body.takes(to - from)) {
      // An answer that is to have none, or before there is an answer.
      this.reset(PROTOCOL_ERROR);
      return;
    }
    const end = body.write(bytes, from, to, this.#engine.memory, READ);
    this.#session?.upstreamReceived(READ, end);
  }

  protected onEnd(): void {
    if (this.#body?.isWhole === false || !this.#isAnswered) this.reset(PROTOCOL_ERROR);
    else if (this.#body?.isChunked === true) {
      const last = lastChunkOf(this.#trailers);
      this.#engine.memory.set(last, READ);
      this.#session?.upstreamReceived(READ, READ + last.length);
    }
  }

  protected onDrained(): void {
    this.#session?.upstreamDrained();
  }

  protected onProgress(): void {
    this.#session?.progressed();
  }

  /** With its connection, or by the instance. */
  onClosed(): void {
    this.#part()?.upstreamClosed(this, false);
    this.#home.settle();
  }

  // What the engine asks for

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    this.#begunAt = this.#engine.time;
    const behind = head.scan(bytes, start, end, COMPOSED_LIMITS);
    if (behind <= 0) throw new Error(`a request of the engine that cannot be read (${behind})`);
    const { fields } = head;
    this.#isHead = head.method === METHOD_HEAD;
    const hasBody = head.hasBody();
    if (fields.chunked) this.#chunks = new ChunkReader();
    this.#left = hasBody && !fields.chunked ? fields.contentLength : 0;
    this.#home.begin(this);
    const encoder = this.connection.beginHeaders();
    encoder.field(METHOD, 0, METHOD.length, bytes, head.start, head.methodEnd);
    const scheme = this.target.tls === undefined ? HTTP : HTTPS;
    encoder.field(SCHEME, 0, SCHEME.length, scheme, 0, scheme.length);
    encoder.field(PATH, 0, PATH.length, bytes, head.targetStart, head.targetEnd);
    encoder.field(AUTHORITY, 0, AUTHORITY.length, bytes, head.hostStart, head.hostEnd);
    writeFields(encoder, bytes, fields, HOST_FIELD);
    // The engine takes TE off, since it is about one connection; gRPC needs it said anew on each.
    const kind = fields.find(CONTENT_TYPE);
    if (kind >= 0) {
      fields.trim(bytes, kind);
      if (isGrpc(textOf(bytes, fields.valueStart, fields.valueEnd))) encoder.text('te', 'trailers');
    }
    this.connection.endHeaders(this, !hasBody);
    return behind === end || this.#pass(bytes, behind, end);
  }

  send(start: number, end: number): boolean {
    return this.#pass(this.#engine.memory, start, end);
  }

  /** More of the request's body. */
  #pass(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed) return true;
    if (this.#chunks !== undefined) return this.writeChunks(this.#chunks, bytes, start, end);
    this.#left -= end - start;
    return this.write(bytes, start, end, this.#left <= 0);
  }

  end(): void {
    this.write(NOTHING, 0, 0, true);
  }

  release(): void {
    this.#part();
  }

  destroy(): void {
    this.#part();
    if (this.isClosed || this.id === 0) return;
    this.reset(CANCEL);
    this.#home.doubt(this.#begunAt);
  }

  /** No event reaches the session afterwards. */
  #part(): Asking | undefined {
    const session = this.#session;
    if (session === undefined) return undefined;
    this.#session = undefined;
    this.#home.left(this);
    return session;
  }
}

const METHOD = latin1(':method');
const SCHEME = latin1(':scheme');
const PATH = latin1(':path');
const AUTHORITY = latin1(':authority');
const HTTP = latin1('http');
const HTTPS = latin1('https');
