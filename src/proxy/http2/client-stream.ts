/** One request of an HTTP/2 client: given to the engine as HTTP/1.1, its answer given back as HTTP/2. */

import { randomBytes } from 'node:crypto';
import { closeAccount, openUnread, reportStatus } from '../http1/account.ts';
import { latin1, put, textOf } from '../http1/bytes.ts';
import type { Engine } from '../http1/engine.ts';
import { CONTENT_LENGTH } from '../http1/fields.ts';
import type { Forwarding } from '../http1/forwarding.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { ClientLink } from '../http1/links.ts';
import { READ, READ_SIZE } from '../http1/memory.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { Session } from '../http1/session.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { Endpoint } from './endpoint.ts';
import { CANCEL, INTERNAL_ERROR, PROTOCOL_ERROR } from './frames.ts';
import { grpcMessageOf, grpcStatusOf, isGrpc } from './grpc.ts';
import type { FieldBlock } from './hpack/field-block.ts';
import { METHOD, PATH } from './hpack/field-name.ts';
import { Http2Stream } from './stream.ts';
import { Body, lastChunkOf, writeFields } from './text.ts';

export interface StreamHome extends Endpoint {
  /** For gRPC calls another one: they bring their own deadlines. */
  frontendFor(isGrpc: boolean): Frontend;
  readonly forwarding: Forwarding;
  /** The client's; 0 where it is not known. */
  readonly remotePort: number;
  /** The engine has done with it; what it gave may still be on its way. Before it is closed, if at all. */
  done(): void;
  /** It is over, and the engine has heard of it. */
  left(stream: ClientStream): void;
}

/** How the body of the answer is taken apart. */
type Framing = 'none' | 'length' | 'chunks' | 'tunnel';

const head = new ResponseHead();

const SPACE = latin1(' ');
const VERSION_AND_HOST = latin1(' HTTP/1.1\r\nHost: ');
const CRLF = latin1('\r\n');
const CHUNKED = latin1('Transfer-Encoding: chunked\r\n');
const GET = latin1('GET ');
/** More than all of these and a key of a WebSocket. */
const AROUND = 256;

export class ClientStream extends Http2Stream implements ClientLink {
  readonly session: Session;
  readonly proto = 'HTTP/2.0';
  index = -1;
  /** The engine has done with it. */
  isDone = false;
  readonly #home: StreamHome;
  readonly #engine: Engine;
  readonly #isGrpc: boolean;
  readonly #isWebSocket: boolean;
  readonly #isHead: boolean;
  /** What comes is for nobody: the WebSocket that it was for did not open. */
  #isRefused = false;
  /** The body of the request. */
  #body: Body | undefined;
  /** What came of the request in the turn in which it began. */
  #early: Buffer[] | undefined;
  #requestTrailers = '';
  #headRead = false;
  #framing: Framing = 'none';
  #left = 0;
  #chunks: ChunkReader | undefined;

  constructor(home: StreamHome, block: FieldBlock) {
    super(home);
    this.#home = home;
    this.#engine = home.engine;
    this.#isGrpc = isGrpc(block.contentType);
    this.#isWebSocket = block.isWebSocket;
    this.#isHead = block.is(METHOD, 'HEAD');
    this.session = new Session(home.engine, this, home.frontendFor(this.#isGrpc), home.forwarding);
  }

  get remotePort(): number {
    return this.#home.remotePort;
  }

  /** To be called once the stream is in the listener's list. `isAll`: it has no body. */
  begin(block: FieldBlock, isAll: boolean): void {
    const hasBody = !isAll && !this.#isWebSocket;
    // What it says before it was let in is for the tunnel, or for nobody.
    if (this.#isWebSocket) this.pause();
    if (hasBody) this.#body = new Body(block.contentLength);
    else if (isAll && block.contentLength > 0) {
      this.#fault();
      return;
    }
    if (isAll) this.receiveEnd();
    const size =
      block.end + block.lengthOf(METHOD) + block.lengthOf(PATH) + block.lengthOf(block.hostKind) + AROUND;
    if (block.isTooLarge || size > READ_SIZE) {
      this.#refuse();
      return;
    }
    const end = this.#write(block, hasBody && block.contentLength < 0);
    if (!hasBody) {
      this.session.received(READ, end);
      return;
    }
    // Head and small body mostly come together. Given to the engine together they can be sent again when an instance refuses them.
    this.#early = [Buffer.from(this.#engine.memory.subarray(READ, end))];
    this.connection.later(this);
  }

  /** Puts the head together at READ; the answer is where it ends. */
  #write(block: FieldBlock, isChunked: boolean): number {
    const { memory } = this.#engine;
    const host = block.hostKind;
    let at = READ;
    if (this.#isWebSocket) at = put(memory, GET, at);
    else at = put(memory, SPACE, block.put(METHOD, memory, at));
    at = block.put(block.has(PATH) ? PATH : host, memory, at);
    at = block.put(host, memory, put(memory, VERSION_AND_HOST, at));
    at = put(memory, CRLF, at);
    if (isChunked) at = put(memory, CHUNKED, at);
    if (this.#isWebSocket) at = put(memory, upgrade(), at);
    memory.set(block.lines.subarray(0, block.end), at);
    return put(memory, CRLF, at + block.end);
  }

  /** Its head is larger than any that is read. */
  #refuse(): void {
    openUnread(this.session);
    reportStatus(this.session, 431);
    closeAccount(this.session);
    const encoder = this.connection.beginHeaders();
    encoder.status(431);
    this.connection.endHeaders(this, true);
    this.#headRead = true;
    this.finish();
  }

  override onTurn(): void {
    const early = this.#early;
    if (early !== undefined) {
      this.#early = undefined;
      this.#say(Buffer.concat(early));
    }
    super.onTurn();
  }

  /** Gives the engine bytes of the client. */
  #say(bytes: Buffer): void {
    if (this.#early !== undefined) {
      this.#early.push(bytes);
      return;
    }
    const { memory } = this.#engine;
    for (let at = 0; at < bytes.length && !this.isClosed; at += READ_SIZE) {
      const piece = bytes.subarray(at, at + READ_SIZE);
      memory.set(piece, READ);
      this.session.received(READ, READ + piece.length);
    }
  }

  protected onData(bytes: Uint8Array, from: number, to: number): void {
    if (this.#isRefused) return;
    const body = this.#body;
    if (body === undefined) {
      this.#engine.memory.set(bytes.subarray(from, to), READ);
      this.session.received(READ, READ + to - from);
      return;
    }
    if (!body.takes(to - from)) {
      this.#fault();
      return;
    }
    if (this.#early !== undefined) {
      this.#early.push(body.copy(bytes, from, to));
      return;
    }
    const end = body.write(bytes, from, to, this.#engine.memory, READ);
    this.session.received(READ, end);
  }

  headersCame(block: FieldBlock, isAll: boolean): void {
    if (!isAll || !block.isTrailers) {
      this.#fault();
      return;
    }
    this.#requestTrailers = textOf(block.lines, 0, block.end);
    this.receiveEnd();
  }

  protected onEnd(): void {
    if (this.#framing === 'tunnel') this.session.ended();
    if (this.#body === undefined) return;
    if (!this.#body.isWhole) this.#fault();
    else if (this.#body.isChunked) this.#say(lastChunkOf(this.#requestTrailers));
  }

  protected onDrained(): void {
    this.session.drained();
  }

  protected onProgress(): void {
    this.session.progressed();
  }

  onClosed(): void {
    this.session.gone();
    this.#home.left(this);
  }

  // What the engine asks for

  send(start: number, end: number): boolean {
    if (this.isClosed) return true;
    const { memory } = this.#engine;
    let from = start;
    while (!this.#headRead && from < end) {
      // The engine sends a head whole.
      const behind = head.scan(memory, from, end, COMPOSED_LIMITS);
      if (behind <= 0) {
        this.reset(INTERNAL_ERROR);
        return true;
      }
      from = behind;
      if (head.status >= 200 || head.status === 101) this.#respond(memory, from, end);
      else this.#sendHead(memory, head.status, false);
    }
    return !this.#headRead || from === end || this.#pass(memory, from, end);
  }

  #sendHead(memory: Uint8Array, status: number, isAll: boolean, isEmpty = false): void {
    const encoder = this.connection.beginHeaders();
    encoder.status(status);
    // An answer to a call that is nothing but trailers: its length is the engine's invention. That of a 205 is a mistake (RFC 9110 §15.3.6).
    const without = isEmpty && (this.#isGrpc || status === 205) ? CONTENT_LENGTH : undefined;
    writeFields(encoder, memory, head.fields, without);
    this.connection.endHeaders(this, isAll);
  }

  #respond(memory: Uint8Array, bodyStart: number, end: number): void {
    const { status, fields } = head;
    this.#headRead = true;
    if (status === 101) {
      this.#framing = 'tunnel';
      this.resume();
      for (let i = 0; i < fields.count; i++) if (fields.isNamed(memory, i, ACCEPT_KEY)) fields.drop[i] = 1;
      this.#sendHead(memory, 200, false);
      return;
    }
    if (this.#isGrpc && !isGrpc(fields.valueOf(memory, CONTENT_TYPE))) {
      const isOwn = !this.session.reply.headSent;
      const text = isOwn
        ? textOf(memory, bodyStart, end).trim()
        : `an instance answered with HTTP status ${status}`;
      this.#refuseCall(status, isOwn, text);
      return;
    }
    if (this.#isWebSocket) {
      this.#isRefused = true;
      this.resume();
      this.endAll();
    }
    const isEmpty = status === 204 || status === 205 || status === 304 || this.#isHead;
    if (fields.chunked && !isEmpty) {
      this.#framing = 'chunks';
      this.#chunks = new ChunkReader();
    } else {
      this.#left = isEmpty ? 0 : Math.max(0, fields.contentLength);
      this.#framing = this.#left === 0 ? 'none' : 'length';
    }
    const isAll = this.#framing === 'none';
    // Beyond 599 nothing is a status, and HTTP/2 is not to be told such (RFC 9110 §15).
    this.#sendHead(memory, status > 599 ? 502 : status, isAll, isAll);
    if (isAll) this.endedWithHead();
  }

  #refuseCall(status: number, isOwn: boolean, text: string): void {
    const encoder = this.connection.beginHeaders();
    encoder.status(200);
    encoder.text('content-type', 'application/grpc');
    encoder.text('grpc-status', String(grpcStatusOf(status, isOwn)));
    encoder.text('grpc-message', grpcMessageOf(text));
    this.connection.endHeaders(this, true);
    this.endedWithHead();
  }

  #pass(memory: Uint8Array, start: number, end: number): boolean {
    switch (this.#framing) {
      case 'tunnel':
        return this.write(memory, start, end);
      case 'length':
        this.#left -= end - start;
        return this.write(memory, start, end, this.#left <= 0);
      case 'chunks':
        return this.writeChunks(this.#chunks!, memory, start, end);
      default:
        return true;
    }
  }

  end(): void {
    if (this.#framing === 'tunnel') this.write(NOTHING, 0, 0, true);
    else this.finish();
  }

  /** The engine has no more for this request: a body that is not complete then must not look so. */
  finish(): void {
    this.#beDone();
    if (!this.#isComplete) this.reset(INTERNAL_ERROR);
    // The rest of the request is of no use to anybody (RFC 9113 §8.1).
    else this.endAll();
  }

  linger(): void {
    this.finish();
  }

  destroy(): void {
    this.#beDone();
    super.reset(CANCEL);
  }

  override reset(code = INTERNAL_ERROR): void {
    this.#beDone();
    super.reset(code);
  }

  /** The client broke its protocol. Counted: otherwise it could have requests begun and taken back as often as it likes (CVE-2025-8671). */
  #fault(): void {
    this.connection.fault(this, PROTOCOL_ERROR);
  }

  #beDone(): void {
    if (this.isDone || this.isClosed) return;
    this.isDone = true;
    this.#home.done();
  }

  get #isComplete(): boolean {
    if (!this.#headRead) return false;
    if (this.#framing === 'length') return this.#left <= 0;
    return this.#framing !== 'chunks' || this.#chunks?.done === true;
  }
}

const NOTHING = new Uint8Array();
const CONTENT_TYPE = latin1('content-type');
const ACCEPT_KEY = latin1('sec-websocket-accept');

function upgrade(): Uint8Array {
  const key = randomBytes(16).toString('base64');
  return latin1(`Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n`);
}
