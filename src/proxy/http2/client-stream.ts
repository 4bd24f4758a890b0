/** One request of an HTTP/2 client: given to the engine as HTTP/1.1, its answer given back as HTTP/2. */
import { randomBytes } from 'node:crypto';
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Engine } from '../http1/engine.ts';
import type { Forwarding } from '../http1/forwarding.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { ClientLink } from '../http1/links.ts';
import { READ, READ_SIZE } from '../http1/memory.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { Session } from '../http1/session.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import { nodeTurn } from '../node-turn.ts';
import { ChunkReader } from './chunk-reader.ts';
import { grpcMessageOf, grpcStatusOf, isGrpc } from './grpc.ts';
import { chunkOf, headersOf, lastChunkOf, latin1, linesOf, textOf, trailersOf } from './text.ts';

export interface StreamHome {
  readonly engine: Engine;
  /** For gRPC calls another one: they bring their own deadlines. */
  frontendFor(isGrpc: boolean): Frontend;
  readonly forwarding: Forwarding;
  /** The client's; 0 where it is not known. */
  readonly remotePort: number;
  /** The engine has done with it; what it gave may still be on its way. Before `left`, if at all. */
  done(): void;
  left(stream: ClientStream): void;
  /** The client took a request back. */
  aborted(): void;
}

/** How the body of the answer is taken apart. */
type Framing = 'none' | 'length' | 'chunks' | 'tunnel';

const head = new ResponseHead();

export class ClientStream implements ClientLink {
  readonly session: Session;
  readonly proto = 'HTTP/2.0';
  index = -1;
  /** The engine has done with it. */
  isDone = false;
  readonly #home: StreamHome;
  readonly #stream: ServerHttp2Stream;
  readonly #isGrpc: boolean;
  readonly #isWebSocket: boolean;
  #isChunked = false;
  /** What came of the request in the turn in which it began. */
  #early: Buffer[] | undefined;
  #requestTrailers = '';
  #headRead = false;
  #framing: Framing = 'none';
  #left = 0;
  #chunks: ChunkReader | undefined;

  constructor(home: StreamHome, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#home = home;
    this.#stream = stream;
    this.#isGrpc = isGrpc(headers['content-type']);
    this.#isWebSocket = headers[':method'] === 'CONNECT' && headers[':protocol'] === 'websocket';
    this.session = new Session(home.engine, this, home.frontendFor(this.#isGrpc), home.forwarding);
    stream.on('error', ignore);
    stream.on('aborted', () => home.aborted());
    stream.on('close', () => {
      this.session.gone();
      home.left(this);
    });
  }

  get remotePort(): number {
    return this.#home.remotePort;
  }

  /** To be called once the stream is in the listener's list. */
  begin(headers: IncomingHttpHeaders): void {
    const stream = this.#stream;
    const hasBody = !stream.endAfterHeaders && !this.#isWebSocket;
    this.#isChunked = hasBody && headers['content-length'] === undefined;
    stream.on('drain', () => this.session.drained());
    stream.on('data', (chunk: Buffer) => this.#feed(chunk));
    stream.on('trailers', (trailers) => {
      this.#requestTrailers = linesOf(trailers);
    });
    stream.on('end', () => this.#ended());
    const text = latin1(this.#requestText(headers));
    if (!hasBody) {
      this.#say(text);
      return;
    }
    // Head and small body mostly come together. Given to the engine together they can be sent again when an instance refuses them.
    this.#early = [text];
    setImmediate(() => {
      const early = Buffer.concat(this.#early ?? []);
      this.#early = undefined;
      this.#say(early);
    });
  }

  #requestText(headers: IncomingHttpHeaders): string {
    const lines = linesOf(headers, HOST);
    const host = headers[':authority'] ?? headers.host ?? '';
    if (this.#isWebSocket)
      return (
        `GET ${headers[':path']} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${lines}\r\n`
      );
    const framing = this.#isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    return `${headers[':method']} ${headers[':path'] ?? host} HTTP/1.1\r\nHost: ${host}\r\n${framing}${lines}\r\n`;
  }

  /** Gives the engine bytes of the client. */
  #say(bytes: Buffer): void {
    if (this.#early !== undefined) {
      this.#early.push(bytes);
      return;
    }
    const { engine } = this.#home;
    for (let at = 0; at < bytes.length; at += READ_SIZE) {
      const piece = bytes.subarray(at, at + READ_SIZE);
      engine.memory.set(piece, READ);
      this.session.received(READ, READ + piece.length);
    }
  }

  #feed(chunk: Buffer): void {
    this.#say(this.#isChunked ? chunkOf(chunk) : chunk);
  }

  #ended(): void {
    if (this.#framing === 'tunnel') this.session.ended();
    else if (this.#isChunked) this.#say(lastChunkOf(this.#requestTrailers));
  }

  // What the engine asks for

  send(start: number, end: number): boolean {
    nodeTurn.isDue = true;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return true;
    const { memory } = this.#home.engine;
    let from = start;
    while (!this.#headRead && from < end) {
      // The engine sends a head whole.
      const behind = head.scan(memory, from, end, COMPOSED_LIMITS);
      if (behind <= 0) {
        this.reset();
        return true;
      }
      from = behind;
      if (head.status >= 200 || head.status === 101) this.#respond(memory, from, end);
      else stream.additionalHeaders({ ':status': head.status, ...headersOf(memory, head.fields) });
    }
    if (this.#headRead) this.#pass(memory, from, end);
    return !stream.writableNeedDrain;
  }

  #respond(memory: Uint8Array, bodyStart: number, end: number): void {
    const { status, fields } = head;
    const stream = this.#stream;
    // Beyond 599 nothing is a status, and HTTP/2 is not to be told such (RFC 9110 §15).
    const headers: OutgoingHttpHeaders = {
      ':status': status > 599 ? 502 : status,
      ...headersOf(memory, fields),
    };
    this.#headRead = true;
    if (status === 101) {
      this.#framing = 'tunnel';
      delete headers['sec-websocket-accept'];
      stream.respond({ ...headers, ':status': 200 });
      return;
    }
    if (this.#isGrpc && !isGrpc(headers['content-type'])) {
      const isOwn = !this.session.reply.headSent;
      const text = isOwn
        ? textOf(memory, bodyStart, end).trim()
        : `an instance answered with HTTP status ${status}`;
      stream.respond(grpcRefusal(status, isOwn, text), { endStream: true });
      return;
    }
    // Node ends the stream of these by itself, whatever their head says of a body.
    const isEmpty = status === 204 || status === 205 || status === 304 || this.session.intake.isHead;
    if (fields.chunked && !isEmpty) {
      this.#framing = 'chunks';
      this.#chunks = new ChunkReader();
    } else {
      this.#left = isEmpty ? 0 : Math.max(0, fields.contentLength);
      this.#framing = this.#left === 0 ? 'none' : 'length';
    }
    const endStream = this.#framing === 'none';
    // An answer that is nothing but trailers, for gRPC: its length is the engine's invention.
    if (endStream && 'grpc-status' in headers) delete headers['content-length'];
    stream.respond(headers, { endStream, waitForTrailers: this.#framing === 'chunks' });
    if (this.#framing === 'chunks')
      stream.on('wantTrailers', () => stream.sendTrailers(trailersOf(this.#chunks?.trailers() ?? [])));
  }

  #pass(memory: Uint8Array, start: number, end: number): void {
    const stream = this.#stream;
    if (start === end) return;
    switch (this.#framing) {
      case 'tunnel':
        stream.write(copyOf(memory, start, end));
        return;
      case 'length':
        this.#left -= end - start;
        if (this.#left > 0) stream.write(copyOf(memory, start, end));
        else stream.end(copyOf(memory, start, end));
        return;
      case 'chunks':
        this.#chunks?.read(memory, start, end, (from, to) => stream.write(copyOf(memory, from, to)));
        if (this.#chunks?.done) stream.end();
    }
  }

  pause(): void {
    nodeTurn.isDue = true;
    this.#stream.pause();
  }

  resume(): void {
    nodeTurn.isDue = true;
    this.#stream.resume();
  }

  end(): void {
    nodeTurn.isDue = true;
    if (this.#framing === 'tunnel') this.#stream.end();
    else this.finish();
  }

  /** The engine has no more for this request: a body that is not complete then must not look so. */
  finish(): void {
    nodeTurn.isDue = true;
    this.#beDone();
    if (!this.#isComplete) this.reset();
    // The rest of the request is of no use to anybody (RFC 9113 §8.1).
    else if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  linger(): void {
    this.finish();
  }

  destroy(): void {
    nodeTurn.isDue = true;
    this.#beDone();
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  reset(): void {
    nodeTurn.isDue = true;
    this.#beDone();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  #beDone(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#home.done();
  }

  get #isComplete(): boolean {
    if (!this.#headRead) return false;
    if (this.#framing === 'length') return this.#left === 0;
    return this.#framing !== 'chunks' || this.#chunks?.done === true;
  }
}

const HOST: ReadonlySet<string> = new Set(['host']);

function grpcRefusal(status: number, isOwn: boolean, text: string): OutgoingHttpHeaders {
  return {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(grpcStatusOf(status, isOwn)),
    'grpc-message': grpcMessageOf(text),
  };
}

function copyOf(memory: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(memory.subarray(start, end));
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
