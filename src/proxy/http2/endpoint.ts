/** One side of a connection (RFC 9113): what it hears of the peer, and its turns. What it says is in `sending.ts`, what a stream means in those who derive from it. */
import type { Engine } from '../http1/engine.ts';
import { READ_SIZE } from '../http1/memory.ts';
import type { ByteSender } from '../net/sender.ts';
import { nodeTurn } from '../node-turn.ts';
import {
  ACK,
  CONTINUATION,
  DATA,
  ENABLE_PUSH,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FIRST_WINDOW,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  type FrameHandler,
  FrameReader,
  GOAWAY,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  LONGEST,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  MOST,
  NO_ERROR,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  readUint32,
  SETTINGS,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './frames.ts';
import { block, HeaderBlocks } from './header-blocks.ts';
import type { FieldBlock } from './hpack/field-block.ts';
import { Sending } from './sending.ts';
import type { Http2Stream } from './stream.ts';

/** Where connections read to: used up before the next one reads. */
export const readArea = Buffer.allocUnsafeSlow(READ_SIZE);

/** Bytes that a peer may have under way on all streams together, before it hears that they were taken. */
const CONNECTION_WINDOW = 8_388_608;
/** DATA frames without data or an end, one after the other. */
const MOST_EMPTY = 100;

/** Those with something to do at the end of this turn. */
let due: Endpoint[] = [];

function endTurn(): void {
  const endpoints = due;
  due = [];
  for (const endpoint of endpoints) endpoint.endTurn();
}

export abstract class Endpoint extends Sending implements FrameHandler {
  readonly engine: Engine;
  /** What waits in one stream takes room from the others. */
  readonly #sharesRoom: boolean;
  /** Nothing of the peer is looked at any more. */
  isOver = false;
  /** Streams that the peer takes at a time. Before it says so, as few as anybody should take (RFC 9113 §6.5.2). */
  protected peerStreams = 100;
  protected readonly streams = new Map<number, Http2Stream>();
  readonly #reader = new FrameReader(this);
  readonly #blocks = new HeaderBlocks();
  #isDue = false;
  /** Streams that wait for the end of the turn, and those that are over. */
  #later: Http2Stream[] = [];
  #closed: Http2Stream[] = [];
  /** Received on all streams together, and not given back to the peer as room. */
  #received = 0;
  #taken = 0;
  #emptyFrames = 0;
  /** Of the DATA frame that is being read: its stream, and what of it is not body. */
  #dataStream: Http2Stream | undefined;
  #dataRest = 0;
  #hasSettings = false;
  /** The wire is not read: the peer takes nothing itself. */
  #isHeld = false;

  /**
   * `sharesRoom`: what waits in all streams together is no more than a connection's window, so that a peer cannot have more kept for it, and
   * streams that wait hold the others up. Without, each has its own window: on a connection that many clients share.
   */
  constructor(engine: Engine, sharesRoom: boolean) {
    super();
    this.engine = engine;
    this.#sharesRoom = sharesRoom;
  }

  /** The head of a stream that has not begun yet. `isAll`: nothing follows. */
  protected abstract onHead(id: number, block: FieldBlock, isAll: boolean): void;
  /** Whether a stream of this id has not begun yet. */
  protected abstract isIdleId(id: number): boolean;
  /** `last`: no stream behind it was looked at. */
  protected abstract onGoaway(last: number): void;
  protected abstract onPong(): void;
  /** Stops reading the wire, or goes on. */
  protected abstract hold(isHeld: boolean): void;
  /** The peer broke a stream's protocol; the connection goes on. */
  protected abstract onFault(): void;
  /** The peer gives a stream up. */
  protected abstract onReset(stream: Http2Stream): void;
  /** It takes no frame any more, said so if it could, and what was said is on its way. */
  protected abstract onBroken(code: number): void;

  /** The wire is there. `settings`: pairs of numbers and values. */
  protected open(sender: ByteSender, preface: Uint8Array, settings: readonly number[]): void {
    this.openWith(sender, preface, settings);
    this.sendWindow(0, CONNECTION_WINDOW - FIRST_WINDOW);
  }

  // The turn

  protected beDue(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    nodeTurn.isDue = true;
    if (due.push(this) === 1) setImmediate(endTurn);
  }

  endTurn(): void {
    this.#isDue = false;
    const later = this.#later;
    if (later.length > 0) {
      this.#later = [];
      for (const stream of later) if (!stream.isClosed) stream.onTurn();
    }
    while (this.#closed.length > 0) {
      const closed = this.#closed;
      this.#closed = [];
      for (const stream of closed) stream.onClosed();
    }
    this.flush();
  }

  /** Calls its `onTurn` at the end of this turn. */
  later(stream: Http2Stream): void {
    this.#later.push(stream);
    this.beDue();
  }

  /** It is over, both ways. */
  close(stream: Http2Stream): void {
    if (stream.isClosed) return;
    stream.forget();
    this.unwait(stream);
    this.streams.delete(stream.id);
    this.#closed.push(stream);
    this.beDue();
  }

  /** The peer is done with it, whether we are or not. */
  protected letGo(stream: Http2Stream): void {
    this.close(stream);
  }

  /** Nothing of it can come or go any more. It is closed once what waits in it was handed on. */
  protected detach(stream: Http2Stream): void {
    stream.detach();
    this.unwait(stream);
    this.streams.delete(stream.id);
  }

  /** Nothing of any stream can come or go any more. */
  protected closeAll(): void {
    for (const stream of [...this.streams.values()]) this.letGo(stream);
  }

  /** The wire is gone, and all streams with it. */
  protected lose(): void {
    this.isOver = true;
    this.shut();
    this.closeAll();
    const closed = this.#closed;
    this.#closed = [];
    for (const stream of closed) stream.onClosed();
  }

  // In

  read(bytes: Uint8Array, from: number, to: number): void {
    this.engine.touch();
    this.#reader.read(bytes, from, to);
    if (!this.isUnread || this.#isHeld) return;
    this.#isHeld = true;
    this.hold(true);
  }

  override drained(): void {
    super.drained();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.hold(false);
  }

  /** The peer's bytes were used up. */
  taken(length: number): void {
    if (this.#sharesRoom) this.#makeRoom(length);
  }

  /** The peer may send as many more. */
  #makeRoom(length: number): void {
    this.#taken += length;
    if (this.#taken < CONNECTION_WINDOW / 2 || this.isOver) return;
    this.#received -= this.#taken;
    this.sendWindow(0, this.#taken);
    this.#taken = 0;
  }

  dataBegins(id: number, length: number, flags: number): void {
    if (!this.#isExpected(id)) return;
    this.#received += length;
    if (this.#received > CONNECTION_WINDOW) {
      this.broken(FLOW_CONTROL_ERROR);
      return;
    }
    if (!this.#sharesRoom) this.#makeRoom(length);
    // An end by itself is how many say it, and each takes a request.
    if (length > 0) this.#emptyFrames = 0;
    else if ((flags & END_STREAM) === 0 && ++this.#emptyFrames > MOST_EMPTY) {
      this.broken(ENHANCE_YOUR_CALM);
      return;
    }
    this.#dataRest = length;
    const stream = this.streams.get(id);
    this.#dataStream = stream;
    if (stream === undefined) this.#stray(id);
    else if (stream.peerHasEnded) this.fault(stream, STREAM_CLOSED);
    else if (!stream.expect(length)) this.fault(stream, FLOW_CONTROL_ERROR);
  }

  data(_id: number, bytes: Uint8Array, from: number, to: number): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isClosed) return;
    this.#dataRest -= to - from;
    stream.receive(bytes, from, to);
  }

  dataEnds(_id: number, flags: number): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (stream === undefined || stream.isClosed) {
      this.taken(this.#dataRest);
      return;
    }
    if (this.#dataRest > 0) stream.take(this.#dataRest);
    if ((flags & END_STREAM) !== 0) stream.receiveEnd();
  }

  frame(type: number, flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (type === CONTINUATION) {
      this.#blockCame(id, this.#blocks.goOn(flags, id, bytes, from, to));
      return;
    }
    if (!this.#isExpected(id, type)) return;
    const length = to - from;
    switch (type) {
      case HEADERS:
        this.#blockCame(id, this.#blocks.begin(flags, id, bytes, from, to));
        return;
      case PRIORITY:
        if (id === 0) this.broken(PROTOCOL_ERROR);
        else if (length !== 5) this.broken(FRAME_SIZE_ERROR);
        return;
      case RST_STREAM:
        if (length !== 4) this.broken(FRAME_SIZE_ERROR);
        else if (id === 0 || this.isIdleId(id)) this.broken(PROTOCOL_ERROR);
        else this.#resetBy(this.streams.get(id), readUint32(bytes, from));
        return;
      case SETTINGS:
        this.#settings(flags, id, bytes, from, to);
        return;
      case PUSH_PROMISE:
        this.broken(PROTOCOL_ERROR);
        return;
      case PING:
        this.#ping(flags, id, bytes, from, to);
        return;
      case GOAWAY:
        if (id !== 0) this.broken(PROTOCOL_ERROR);
        else if (length < 8) this.broken(FRAME_SIZE_ERROR);
        else this.onGoaway(readUint32(bytes, from) & MOST);
        return;
      case WINDOW_UPDATE:
        if (length !== 4) this.broken(FRAME_SIZE_ERROR);
        else this.#windowUpdate(id, readUint32(bytes, from) & MOST);
    }
  }

  broken(code: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onBroken(code);
  }

  /** Resets a stream whose protocol the peer broke. */
  fault(stream: Http2Stream, code: number): void {
    stream.reset(code);
    this.onFault();
  }

  /** Nothing may come in the middle of a header block, nor before the settings. */
  #isExpected(id: number, type = DATA): boolean {
    const isFine =
      this.#blocks.open === 0 && (this.#hasSettings || type === SETTINGS) && (type !== DATA || id !== 0);
    if (!isFine) this.broken(PROTOCOL_ERROR);
    return isFine;
  }

  /** A body of a stream that is none (any more). */
  #stray(id: number): void {
    if (this.isIdleId(id)) this.broken(PROTOCOL_ERROR);
    else if (!this.wasReset(id)) {
      this.sendReset(id, STREAM_CLOSED);
      this.onFault();
    }
  }

  /** What follows from a part of a header block; it may be the last one. */
  #blockCame(id: number, problem: number): void {
    if (problem !== NO_ERROR) this.broken(problem);
    if (problem !== NO_ERROR || this.#blocks.open !== 0) return;
    const isAll = (this.#blocks.flags & END_STREAM) !== 0;
    const stream = this.streams.get(id);
    if (stream?.peerHasEnded) this.fault(stream, STREAM_CLOSED);
    else if (stream !== undefined) stream.headersCame(block, isAll);
    else if (this.isIdleId(id)) this.onHead(id, block, isAll);
    // One that was reset here may not have heard of it; others know that they have ended.
    else if (!this.wasReset(id)) this.broken(STREAM_CLOSED);
  }

  #resetBy(stream: Http2Stream | undefined, code: number): void {
    if (stream === undefined) return;
    stream.resetCode = code;
    this.onReset(stream);
    this.letGo(stream);
  }

  #settings(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const isAck = (flags & ACK) !== 0;
    if (id !== 0) this.broken(PROTOCOL_ERROR);
    else if (isAck ? length > 0 : length % 6 !== 0) this.broken(FRAME_SIZE_ERROR);
    if (this.isOver || isAck) return;
    if (!this.#hasSettings) this.peerStreams = Number.POSITIVE_INFINITY;
    this.#hasSettings = true;
    for (let p = from; p < to; p += 6) {
      const code = this.#set((bytes[p]! << 8) | bytes[p + 1]!, readUint32(bytes, p + 2));
      if (code === NO_ERROR) continue;
      this.broken(code);
      return;
    }
    if (this.sendAck(SETTINGS, bytes, from, from)) this.pump();
    else this.broken(ENHANCE_YOUR_CALM);
  }

  /** A setting of the peer; the answer is an error code. */
  #set(setting: number, value: number): number {
    switch (setting) {
      case HEADER_TABLE_SIZE:
        this.encoder.resize(value);
        return NO_ERROR;
      case ENABLE_PUSH:
        return value > 1 ? PROTOCOL_ERROR : NO_ERROR;
      case MAX_CONCURRENT_STREAMS:
        this.peerStreams = value;
        return NO_ERROR;
      case INITIAL_WINDOW_SIZE:
        return this.setFirstWindow(value, this.streams.values());
      case MAX_FRAME_SIZE:
        return value < LONGEST || value > 16_777_215 ? PROTOCOL_ERROR : NO_ERROR;
      default:
        return NO_ERROR;
    }
  }

  #ping(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== 0) this.broken(PROTOCOL_ERROR);
    else if (to - from !== 8) this.broken(FRAME_SIZE_ERROR);
    else if ((flags & ACK) !== 0) this.onPong();
    else if (!this.sendAck(PING, bytes, from, to)) this.broken(ENHANCE_YOUR_CALM);
  }

  #windowUpdate(id: number, more: number): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      const problem = this.widenStream(stream, more);
      if (problem !== NO_ERROR) this.fault(stream, problem);
    } else if (id === 0) {
      const problem = this.widen(more);
      if (problem !== NO_ERROR) this.broken(problem);
    } else if (this.isIdleId(id)) this.broken(PROTOCOL_ERROR);
  }
}
