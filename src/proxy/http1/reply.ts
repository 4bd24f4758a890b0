/** The response of one exchange: its head read, rewritten and sent on, its body framed for the client. */
import { reportStatus } from './account.ts';
import { Body, BY_CHUNKS, BY_CLOSE, BY_LENGTH, NO_BODY } from './body.ts';
import { hasLineEnd, move, textOf } from './bytes.ts';
import {
  CHUNK_HEAD,
  composeResponse,
  putChunkSize,
  type ResponseRewrite,
  SAY_CLOSE,
  SAY_KEEP_ALIVE,
  SAY_NOTHING,
  SAY_UPGRADE,
} from './compose.ts';
import { type Coding, Compressor } from './compression.ts';
import type { Engine } from './engine.ts';
import { CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, type Fields, UPGRADE } from './fields.ts';
import { Carry, OUT, READ, SCRATCH } from './memory.ts';
import { badResponse } from './own-answers.ts';
import { refusalOf } from './refusals.ts';
import type { Session } from './session.ts';
import { startTunnel } from './tunnel.ts';

/** How the body's bytes become the client's. */
const AS_IT_IS = 0;
/** Its end is the end of the connection: an HTTP/1.1 client gets chunks, so that it sees a body cut short. */
const INTO_CHUNKS = 1;
/** An HTTP/1.0 client knows no chunks. */
const OUT_OF_CHUNKS = 2;
/** Compressed, into chunks of our own. */
const COMPRESSED = 3;

/** So much of a body is left where it lies, its new head put in front of it where the old one was; less is copied behind the head. */
const WORTH_STAYING = 4_096;

const NOTHING = new Uint8Array();
const LAST_CHUNK = [48, 13, 10, 13, 10];

export class Reply {
  /** A byte of the response has come: the request is never sent again. */
  begun = false;
  /** The final head has gone to the client: an error can only be shown by cutting. */
  headSent = false;
  status = 0;
  /** The client learns the end of the body from the end of the connection alone. */
  endsWithConnection = false;
  /** How the client takes a body compressed, where anything is; undefined: not at all. */
  coding: Coding | undefined;
  #compressor: Compressor | undefined;
  readonly #body = new Body();
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #rewrite: ResponseRewrite = {
    connection: SAY_NOTHING,
    addChunked: false,
    dropChunked: false,
    dropLength: false,
    extra: NOTHING,
    compressed: undefined,
    varies: false,
    date: NOTHING,
  };
  /** Whether it is compressed depends on what the client says. */
  #varies = false;
  #mode = AS_IT_IS;
  /** Where the body bytes last looked at end. */
  #used = 0;
  #interim = 0;
  #backendStays = false;
  #carry: Carry | undefined;

  constructor(engine: Engine, session: Session) {
    this.#engine = engine;
    this.#session = session;
  }

  /** A new exchange. */
  reset(): void {
    this.begun = false;
    this.headSent = false;
    this.endsWithConnection = false;
    this.#interim = 0;
    this.#carry = undefined;
    this.forget();
  }

  /** The exchange is over: gives back what compressing took. */
  forget(): void {
    this.#compressor?.close();
    this.#compressor = undefined;
  }

  /** Event: bytes of the backend. */
  received(start: number, end: number): void {
    this.begun = true;
    if (this.headSent) {
      this.#pass(start, end);
      return;
    }
    const { memory, responseLimits } = this.#engine;
    const carry = this.#carry;
    if (carry !== undefined) {
      carry.append(memory, start, end);
      // Without a line end nothing new can be said about the head.
      if (!hasLineEnd(memory, start, end) && carry.length <= responseLimits.maxLine) return;
      this.#readCarried(carry);
      return;
    }
    const used = this.#read(start, end);
    if (used >= 0 && used < end) {
      this.#carry = new Carry();
      this.#carry.append(memory, used, end);
    }
  }

  #readCarried(carry: Carry): void {
    while (carry.length > 0) {
      const end = carry.load(this.#engine.memory);
      const used = this.headSent ? this.#pass(READ, end) : this.#read(READ, end);
      if (used < 0 || used === READ) return;
      carry.skip(used - READ);
    }
    this.#carry = undefined;
  }

  /** Reads heads out of [from, end). The position up to which bytes were used, or -1 when the exchange is over. */
  #read(from: number, end: number): number {
    const engine = this.#engine;
    let p = from;
    while (p < end) {
      const r = engine.response.scan(engine.memory, p, end, engine.responseLimits);
      if (r === 0) return p;
      if (r < 0) {
        badResponse(this.#session, refusalOf(r).text);
        return -1;
      }
      const { status } = engine.response;
      if (status === 101) return this.#switch(r, end);
      if (status >= 200) return this.#begin(r, end);
      if (++this.#interim > engine.limits.maxInterim) {
        badResponse(this.#session, 'too many interim responses');
        return -1;
      }
      // HTTP/1.0 has none (RFC 9110 §15.2).
      if (this.#session.intake.minor === 1)
        this.#session.sendToClient(OUT, this.#compose(SAY_NOTHING, false, true, true));
      this.#session.arm();
      p = r;
    }
    return p;
  }

  /** Puts the head together at OUT; the answer is where it ends. */
  #compose(connection: number, addChunked: boolean, dropChunked: boolean, dropLength: boolean): number {
    const engine = this.#engine;
    const rewrite = this.#rewrite;
    rewrite.connection = connection;
    rewrite.addChunked = addChunked;
    rewrite.dropChunked = dropChunked;
    rewrite.dropLength = dropLength;
    const { status } = engine.response;
    rewrite.date = status < 200 ? NOTHING : engine.date;
    rewrite.extra = status < 200 && status !== 101 ? NOTHING : this.#extra();
    rewrite.compressed = this.#compressor;
    rewrite.varies = this.#varies;
    return composeResponse(engine.memory, engine.response, OUT, rewrite);
  }

  /** Lines of our own for this client; empty for none. */
  #extra(): Uint8Array {
    const { extras, sticky } = this.#engine;
    const { stick, dispatch, frontend } = this.#session;
    const strict = extras === undefined || !frontend.secure ? NOTHING : extras.strictTransport;
    if (stick === undefined || dispatch.target === undefined) return strict;
    return Buffer.concat([strict, sticky.line(stick, dispatch.target, frontend.secure)]);
  }

  /** The final head, with what came of the body, in one write. */
  #begin(bodyStart: number, end: number): number {
    const session = this.#session;
    const { response, memory } = this.#engine;
    const { fields, status } = response;
    if (status >= 502 && status <= 504 && session.dispatch.askedAgain(status)) return -1;
    this.status = status;
    this.#backendStays = response.staysOpen();
    let kind = NO_BODY;
    if (status !== 204 && status !== 304 && !session.intake.isHead)
      kind = fields.chunked ? BY_CHUNKS : fields.contentLength >= 0 ? BY_LENGTH : BY_CLOSE;
    const old = session.intake.minor === 0;
    this.#mode = AS_IT_IS;
    if (kind === BY_CHUNKS && old) this.#mode = OUT_OF_CHUNKS;
    if (kind === BY_CLOSE && !old) this.#mode = INTO_CHUNKS;
    this.endsWithConnection = old && (kind === BY_CHUNKS || kind === BY_CLOSE);
    const { exchange } = session;
    reportStatus(session, status);
    session.span?.answered(status);
    this.#varies = this.#isCompressible();
    if (this.#varies && this.coding !== undefined && kind !== NO_BODY && status !== 206) {
      this.#compressor = new Compressor(this.coding);
      this.#mode = COMPRESSED;
    }
    this.#body.begin(kind, fields.contentLength);
    const refusesUpgrade = session.intake.upgrading && session.intake.carry.length > 0;
    const closes = session.decideClose(this.endsWithConnection || refusesUpgrade);
    const say = closes ? SAY_CLOSE : old ? SAY_KEEP_ALIVE : SAY_NOTHING;
    const isOurs = this.#mode === INTO_CHUNKS || this.#mode === COMPRESSED;
    const isRecoded = this.#mode === COMPRESSED;
    const out = this.#compose(say, isOurs, old || status === 204 || isRecoded, status === 204 || isRecoded);
    if (exchange !== undefined) exchange.size -= out - OUT;
    const stays = this.#mode === AS_IT_IS && end - bodyStart >= WORTH_STAYING;
    if (stays && out - OUT <= bodyStart - response.start) {
      this.#used = this.#body.advance(memory, bodyStart, end);
      if (this.#body.failed) return this.#malformed();
      this.headSent = true;
      const start = bodyStart - (out - OUT);
      move(memory, start, OUT, out);
      session.sendToClient(start, this.#used);
    } else {
      const total = this.#frame(bodyStart, end, out);
      if (this.#body.failed) return this.#malformed();
      this.headSent = true;
      session.sendToClient(OUT, total);
    }
    return this.#afterBody(end);
  }

  #malformed(): number {
    badResponse(this.#session, 'its chunked body is malformed');
    return -1;
  }

  /** By what the configuration says of its type, and what it says itself. */
  #isCompressible(): boolean {
    const { compress, response, memory } = this.#engine;
    if (compress === undefined) return false;
    const { fields } = response;
    if (fields.has(CONTENT_ENCODING) || valuesIn(fields, memory, CACHE_CONTROL).includes('no-transform'))
      return false;
    return compress.test(valuesIn(fields, memory, CONTENT_TYPE));
  }

  /** 101: what follows is no HTTP any more. Only when the client asked for it. */
  #switch(start: number, end: number): number {
    const session = this.#session;
    const { response, memory } = this.#engine;
    if (!session.intake.upgrading || !response.fields.has(UPGRADE)) {
      badResponse(session, 'it switched protocols without being asked');
      return -1;
    }
    const out = this.#compose(SAY_UPGRADE, false, true, true);
    move(memory, out, start, end);
    this.status = 101;
    this.headSent = true;
    session.sendToClient(OUT, out + end - start);
    startTunnel(session);
    return -1;
  }

  /** More of the body. The position up to which bytes were used, or -1 when the exchange is over. */
  #pass(start: number, end: number): number {
    const session = this.#session;
    if (this.#mode === AS_IT_IS) {
      this.#used = this.#body.advance(this.#engine.memory, start, end);
      if (!this.#body.failed) session.sendToClient(start, this.#used);
    } else {
      const total = this.#frame(start, end, OUT);
      if (total > OUT && !this.#body.failed) session.sendToClient(OUT, total);
    }
    if (this.#body.failed) return this.#malformed();
    return this.#afterBody(end);
  }

  /** How much of the body is only to be passed on as it comes. */
  get ahead(): number {
    return this.headSent && this.#mode === AS_IT_IS && this.#carry === undefined ? this.#body.ahead : 0;
  }

  /** Event: so much of the body has gone to the client. */
  passed(length: number): void {
    this.#body.skip(length);
    if (this.#body.done) this.#session.replied(this.#backendStays);
    else this.#session.arm();
  }

  /** Puts body bytes behind `out` as the client is to see them; the answer is where they end. Sets `#used`. */
  #frame(from: number, to: number, out: number): number {
    const { memory } = this.#engine;
    if (this.#mode === COMPRESSED) return this.#compress(from, to, out);
    if (this.#mode === OUT_OF_CHUNKS) {
      this.#used = this.#body.extract(memory, from, to, out);
      return this.#body.dataEnd;
    }
    const used = this.#body.advance(memory, from, to);
    const length = used - from;
    this.#used = used;
    if (length === 0) return out;
    if (this.#mode === AS_IT_IS) {
      move(memory, out, from, used);
      return out + length;
    }
    putChunkSize(memory, out, length);
    move(memory, out + CHUNK_HEAD, from, used);
    memory[out + CHUNK_HEAD + length] = 13;
    memory[out + CHUNK_HEAD + length + 1] = 10;
    return out + CHUNK_HEAD + length + 2;
  }

  /** The same, compressed: taken out of the backend's chunks into the room at the end of the memory, then put into ours. */
  #compress(from: number, to: number, out: number): number {
    const { memory } = this.#engine;
    let [dataFrom, dataTo] = [from, from];
    if (this.#body.kind === BY_CHUNKS) {
      dataFrom = SCRATCH;
      this.#used = this.#body.extract(memory, from, to, SCRATCH);
      dataTo = this.#body.dataEnd;
    } else {
      this.#used = this.#body.advance(memory, from, to);
      dataTo = this.#used;
    }
    const isLast = this.#body.done;
    if (dataFrom === dataTo && !isLast) return out;
    return this.#putCompressed(dataFrom, dataTo, out, isLast);
  }

  #putCompressed(from: number, to: number, out: number, isLast: boolean): number {
    const { memory } = this.#engine;
    const begin = out + CHUNK_HEAD;
    let end = this.#compressor!.write(memory, from, to, begin, SCRATCH, isLast);
    if (end === begin) end = out;
    else {
      putChunkSize(memory, out, end - begin);
      memory[end++] = 13;
      memory[end++] = 10;
    }
    if (!isLast) return end;
    memory.set(LAST_CHUNK, end);
    return end + LAST_CHUNK.length;
  }

  #afterBody(end: number): number {
    if (!this.#body.done) {
      this.#session.arm();
      return end;
    }
    const isAll = this.#used === end && (this.#carry === undefined || this.#carry.length === end - READ);
    this.#session.replied(this.#backendStays && isAll);
    return -1;
  }

  /** Event: the backend sent FIN or is gone. Whether that was the end of its response. */
  ended(): boolean {
    if (!this.headSent || this.#body.kind !== BY_CLOSE) return false;
    if (this.#mode === COMPRESSED) this.#session.sendToClient(OUT, this.#putCompressed(OUT, OUT, OUT, true));
    if (this.#mode === INTO_CHUNKS) {
      this.#engine.memory.set(LAST_CHUNK, OUT);
      this.#session.sendToClient(OUT, OUT + LAST_CHUNK.length);
    }
    this.#session.replied(false);
    return true;
  }
}

/** The values of all lines of a field, in lower case; "" without one. For what is looked at in few responses only. */
function valuesIn(fields: Fields, memory: Uint8Array, field: number): string {
  const values: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    if (fields.field[i] !== field) continue;
    fields.trim(memory, i);
    values.push(textOf(memory, fields.valueStart, fields.valueEnd).toLowerCase());
  }
  return values.join(', ');
}
