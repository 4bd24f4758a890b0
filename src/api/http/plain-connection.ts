/**
 * A connection whose requests are of the common kind: a whole head in one read, the body in it or in the next one, nothing asked of the connection. It reads and writes
 * by libuv's handle, past the streams, the parser and the objects of Node's HTTP server, which take half of a short exchange. With the
 * first request that is of another kind the connection is that server's for good (docs/decisions/0005).
 */
import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Flow, handleOf, readInto, type StreamHandle, streams } from '../../proxy/net/native-stream.ts';
import type { Exchange, Take } from '../exchange.ts';
import { HttpError } from '../http-error.ts';
import { headersOf, type PlainHead, readPlainHead } from './plain-head.ts';
import { type Recipient, SendBatch } from './send-batch.ts';
import { SHORT_BODY } from './short-body.ts';

/** What a connection needs of the server it came to. */
export interface PlainHome {
  /** Shared by all connections: what is read is used up before the next read. */
  readonly buffer: Buffer;
  /** The value of `Keep-Alive`. */
  readonly keepAlive: string;
  /** Whether a request may be answered here at this moment. */
  accepts(): boolean;
  serve(exchange: Exchange): void;
  /** It is over, or somebody else's. */
  left(connection: PlainConnection): void;
  /** Gives it to Node's server; what was read of it is in the socket again. */
  toNode(socket: Socket): void;
}

/** ms that a client may take nothing of its answer. */
const UNREAD = 60_000;
const END_OF_HEAD = Buffer.from('\r\n\r\n');

interface AnswerHandle extends StreamHandle {
  /** The system's descriptor. */
  readonly fd: number;
  writeLatin1String(request: object, text: string): number;
  /** `chunks`: each followed by its encoding. */
  writev(request: object, chunks: readonly (string | Buffer)[], areAllBuffers: boolean): number;
}

/** What all connections of the process send in a turn of the event loop. */
export const sends = new SendBatch();

export class PlainConnection implements Recipient {
  /** Sweeps that it has seen since it last asked something. */
  idle = 0;
  /** Nothing was asked yet. */
  isNew = true;
  /** The answer that goes out with others at the end of the turn; "": none. */
  text = '';
  readonly #home: PlainHome;
  readonly #socket: Socket;
  readonly #flow: Flow;
  #exchange: PlainExchange | undefined;
  /** What came before the answer to the request in front of it had gone out, or before the rest of it. */
  #early: Buffer | undefined;
  /** A head is there whose body is not, or not whole: many clients send both one after the other. */
  #isWaiting = false;
  #isNodes = false;
  /** Bytes that wait for the client, and for how long (ms) they have been as many. */
  #unread = 0;
  #unreadFor = 0;
  /** It ends behind what was answered. */
  #isEnding = false;
  /** It ends behind what is being answered, whose head did not say so. */
  #isLeaving = false;

  /** To be made in the turn in which the socket was accepted. */
  constructor(home: PlainHome, socket: Socket) {
    this.#home = home;
    this.#socket = socket;
    socket.on('error', nothing).on('end', this.#ended).on('close', this.#closed);
    this.#flow = readInto(socket, home.buffer, (length) => this.#received(length));
  }

  get isBusy(): boolean {
    return this.#exchange !== undefined;
  }

  /** Called every `ms`: whether its client has taken nothing of what is answered for long. */
  isUnread(ms: number): boolean {
    const waiting = handleOf(this.#socket)?.writeQueueSize ?? 0;
    this.#unreadFor = waiting > 0 && waiting === this.#unread ? this.#unreadFor + ms : 0;
    this.#unread = waiting;
    return this.#unreadFor >= UNREAD;
  }

  /** A request has begun, and its rest is not there. */
  get isLate(): boolean {
    return this.#isWaiting;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends it once nothing is under way on it. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.isBusy && !this.isLate) this.destroy();
  }

  /** A head did not come in time. */
  refuseSilence(): void {
    this.#socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    this.#socket.destroySoon();
  }

  #received(length: number): void {
    const bytes = this.#home.buffer.subarray(0, length);
    if (this.#isNodes) this.#socket.push(Buffer.from(bytes));
    else if (this.#exchange === undefined) this.#look(this.#withEarly(bytes));
    else {
      this.#early = this.#withEarly(bytes, true);
      this.#flow.pause();
    }
  }

  #withEarly(bytes: Buffer, isKept = false): Buffer {
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) return Buffer.concat([early, bytes]);
    return isKept ? Buffer.from(bytes) : bytes;
  }

  #look(bytes: Buffer): void {
    const end = bytes.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    const text = bytes.toString('latin1', 0, end);
    const head = this.#home.accepts() ? readPlainHead(text) : undefined;
    this.idle = 0;
    const missing = head === undefined ? 0 : end + head.length - bytes.length;
    if (missing > 0 && !this.#isWaiting && missing + bytes.length <= this.#home.buffer.length) {
      this.#isWaiting = true;
      this.#early = Buffer.from(bytes);
      return;
    }
    this.#isWaiting = false;
    if (head === undefined || missing !== 0) {
      this.#handOver(bytes);
      return;
    }
    this.isNew = false;
    const body = head.length === 0 ? NO_BODY : Buffer.from(bytes.subarray(end));
    const exchange = new PlainExchange(this, head, text, body);
    this.#exchange = exchange;
    this.#home.serve(exchange);
  }

  /** Has Node's server wait for the rest of a request. */
  giveBeginning(): void {
    this.#handOver(this.#early ?? NO_BODY);
  }

  /** With what was read of a request that is not of the common kind. */
  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    this.#isNodes = true;
    this.#home.left(this);
    socket.off('error', nothing).off('end', this.#ended).off('close', this.#closed);
    this.#flow.resume();
    socket.unshift(Buffer.from(bytes));
    this.#home.toNode(socket);
  }

  /** The request of `exchange` is for Node's server to answer after all. */
  giveUp(exchange: PlainExchange, text: string, body: Buffer): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    this.#handOver(Buffer.concat([Buffer.from(text, 'latin1'), body, this.#early ?? NO_BODY]));
  }

  answer(
    status: number,
    fields: readonly string[],
    body: Buffer | string | undefined,
    isLast: boolean,
  ): void {
    this.#isEnding = isLast;
    const ending = isLast ? 'close' : `keep-alive\r\nKeep-Alive: ${this.#home.keepAlive}`;
    const isLong = body !== undefined && typeof body !== 'string' && body.length > SHORT_BODY;
    const text = textOf(status, fields, ending, isLong ? undefined : body);
    if (!isLong && !isLast) {
      this.text = text;
      if (sends.add(this)) return;
      this.text = '';
    }
    this.#send(text, isLong ? body : undefined);
    if (isLast) this.#socket.destroySoon();
  }

  get descriptor(): number {
    return (handleOf(this.#socket) as AnswerHandle | undefined)?.fd ?? -1;
  }

  taken(count: number): void {
    const { text } = this;
    this.text = '';
    if (count === text.length) this.#sent();
    else this.#send(text.slice(count), undefined);
  }

  failed(): void {
    this.text = '';
    this.#socket.destroy();
  }

  #send(text: string, body: Buffer | undefined): void {
    const socket = this.#socket;
    const handle = handleOf(socket) as AnswerHandle | undefined;
    if (handle === undefined || spare === undefined) {
      socket.cork();
      socket.write(text, 'latin1', body === undefined ? this.#sent : undefined);
      if (body !== undefined) socket.write(body, this.#sent);
      socket.uncork();
      return;
    }
    const request = spare;
    const failed =
      body === undefined
        ? handle.writeLatin1String(request, text)
        : handle.writev(request, [text, 'latin1', body, 'buffer'], false);
    if (failed !== 0) socket.destroy();
    else if (streams?.streamBaseState[streams.kLastWriteWasAsync] === 0) this.#sent();
    else {
      spare = new streams!.WriteWrap();
      if (body !== undefined) request.bytes = body;
      request.oncomplete = (status) => (status < 0 ? socket.destroy() : this.#sent());
    }
  }

  /** The kernel has the whole answer: a client that does not read it is asked for nothing more. */
  readonly #sent = (): void => {
    this.#exchange = undefined;
    if (this.#isLeaving && !this.#isEnding) this.#socket.destroySoon();
    const early = this.#early;
    if (early === undefined || this.#isEnding || this.#isLeaving || this.#socket.destroyed) return;
    this.#early = undefined;
    this.#flow.resume();
    this.#look(early);
  };

  /** As with Node's server: who sends nothing more wants nothing more. */
  readonly #ended = (): void => {
    if (this.text !== '') sends.flush();
    this.#isWaiting = false;
    if (this.#exchange === undefined) this.#socket.end();
    else this.#socket.destroy();
  };

  readonly #closed = (): void => {
    this.#home.left(this);
    this.#exchange?.over();
  };
}

/** For every write that the kernel takes at once, which leaves it as it was. */
let spare = streams === undefined ? undefined : new streams.WriteWrap();

const NO_BODY = Buffer.alloc(0);
/** As Node has it: what would end a field, and what is no byte. */
const NOT_IN_FIELD = /[^\t\x20-\x7e\x80-\xff]/;
const STATUS_LINES = new Map<number, string>();

function statusLine(status: number): string {
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
  STATUS_LINES.set(status, line);
  return line;
}

/** The last answer as it went out: the same objects come again and again, above all to thousands that waited for one change. */
let last:
  | { fields: readonly string[]; body: Buffer | string | undefined; key: string; text: string }
  | undefined;

function textOf(
  status: number,
  fields: readonly string[],
  ending: string,
  body: Buffer | string | undefined,
): string {
  const key = `${status} ${ending} ${dateNow()}`;
  if (last?.fields === fields && last.body === body && last.key === key) return last.text;
  let text = STATUS_LINES.get(status) ?? statusLine(status);
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1] as string;
    if (NOT_IN_FIELD.test(value)) throw new TypeError(`invalid character in the field ${fields[i]}`);
    text += `${fields[i]}: ${value}\r\n`;
  }
  text += `Date: ${dateNow()}\r\nConnection: ${ending}\r\n\r\n`;
  if (body !== undefined) text += typeof body === 'string' ? body : body.toString('latin1');
  last = { fields, body, key, text };
  return text;
}

let date = '';

/** Told anew once a second, while somebody asks. */
function dateNow(): string {
  if (date !== '') return date;
  const now = new Date();
  date = now.toUTCString();
  setTimeout(() => {
    date = '';
  }, 1000 - now.getMilliseconds()).unref();
  return date;
}

function nothing(): void {}

class PlainExchange implements Exchange {
  url: string;
  status = 0;
  readonly method: string;
  readonly rawHeaders: readonly string[];
  readonly #connection: PlainConnection;
  readonly #text: string;
  readonly #body: Buffer;
  #headers: IncomingHttpHeaders | undefined;
  #isLast = false;
  #isOver = false;
  #tasks: (() => void)[] | undefined;

  constructor(
    connection: PlainConnection,
    { method, url, rawHeaders }: PlainHead,
    text: string,
    body: Buffer,
  ) {
    this.#connection = connection;
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.#text = text;
    this.#body = body;
  }

  get headers(): IncomingHttpHeaders {
    this.#headers ??= headersOf(this.rawHeaders);
    return this.#headers;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get isGone(): boolean {
    return this.#isOver;
  }

  body(limit: number, tooLarge: (size: number) => string): Promise<Buffer> {
    const { length } = this.#body;
    return length > limit
      ? Promise.reject(new HttpError(413, tooLarge(length)))
      : Promise.resolve(this.#body);
  }

  whenOver(task: () => void): () => void {
    this.#tasks ??= [];
    this.#tasks.push(task);
    return () => {
      this.#tasks = this.#tasks?.filter((one) => one !== task);
    };
  }

  closeBehind(): void {
    this.#isLast = true;
  }

  answer(status: number, fields: string[], body: Buffer | string | undefined): void {
    if (this.#isOver) return;
    this.status = status;
    this.#connection.answer(status, fields, body, this.#isLast);
    this.over();
  }

  /** The connection becomes Node's, which hears the same request and asks for the same again. */
  take(_fields: readonly string[], _take: Take): void {
    if (this.#isOver) return;
    this.over();
    this.#connection.giveUp(this, this.#text, this.#body);
  }

  abort(): void {
    this.#connection.destroy();
  }

  /** It was answered, or there is nobody any more. */
  over(): void {
    this.#isOver = true;
    const tasks = this.#tasks;
    this.#tasks = undefined;
    if (tasks !== undefined) for (const task of tasks) task();
  }
}
