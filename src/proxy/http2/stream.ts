/** One stream of a connection, either side: what it has to send and may not yet, what came and is not wanted yet, its windows and its end. */
import { Queue } from '../areas.ts';
import type { ChunkReader } from './chunk-reader.ts';
import type { Endpoint } from './endpoint.ts';
import { NO_ERROR } from './frames.ts';
import type { FieldBlock } from './hpack/field-block.ts';
import { MALFORMED, nameOf } from './hpack/field-name.ts';

/**
 * Bytes that a peer may send on a stream before it hears that they were taken: two round trips of 100 ms at 10 Mbit/s.
 */
export const WINDOW = 262_144;

const NOTHING = new Uint8Array();

type Trailers = readonly (readonly [name: string, value: string])[];

export abstract class Http2Stream {
  /** 0: it has not begun. */
  id = 0;
  /** What the peer takes of it for now; below zero after it has made its windows smaller. */
  sendWindow = 0;
  /** All was written that will be. */
  hasEnded = false;
  /** The peer sends no more. */
  peerHasEnded = false;
  /** No frame of it is sent or looked at any more. */
  isClosed = false;
  /** It has no connection any more, and hands on what came whole before. */
  #isDetached = false;
  /** It is among those that wait for their peer. */
  isWaiting = false;
  /** The code with which it was reset, by whomever. */
  resetCode = NO_ERROR;
  protected readonly connection: Endpoint;
  #queue: Queue | undefined;
  /** The end comes behind what waits. */
  #isEnding = false;
  #trailers: Trailers = [];
  /** Whoever writes was told to wait. */
  #isHeld = false;
  /** It is reset once all is written: the rest of what the peer sends is of no use. */
  #endsAll = false;
  /** Received, and not given back to the peer as room. */
  #received = 0;
  #taken = 0;
  #isPaused = false;
  /** What came while it was paused. */
  #carry: Queue | undefined;
  #isEndCarried = false;

  constructor(connection: Endpoint) {
    this.connection = connection;
  }

  start(id: number, sendWindow: number): void {
    this.id = id;
    this.sendWindow = sendWindow;
  }

  /** An answer, or trailers. `isAll`: nothing follows. */
  abstract headersCame(block: FieldBlock, isAll: boolean): void;
  /** A part of the body. */
  protected abstract onData(bytes: Uint8Array, from: number, to: number): void;
  /** Its end; trailers were told before. */
  protected abstract onEnd(): void;
  /** All of what was written and had to wait is on its way. */
  protected abstract onDrained(): void;
  /** A part of it is. */
  protected abstract onProgress(): void;
  /** It is over. Called once, and by nobody whom it could surprise. */
  abstract onClosed(): void;
  /** What it waited for till the end of the turn. */
  onTurn(): void {
    this.#deliver();
  }

  // Out

  /** Writes a part of the body, its last one when `isLast`. False: hold back until `onDrained`. */
  protected write(bytes: Uint8Array, from: number, to: number, isLast = false): boolean {
    if (this.isClosed || this.hasEnded) return true;
    let at = from;
    if (this.#queue === undefined && !this.#isEnding)
      at = this.connection.sendData(this, bytes, from, to, isLast && this.#trailers.length === 0);
    if (at < to) {
      this.#queue ??= new Queue();
      this.#queue.append(bytes, at, to);
    }
    if (isLast && !this.hasEnded) {
      this.#isEnding = true;
      if (this.#queue === undefined && !this.connection.isBlocked) this.#end();
    }
    this.#settled();
    if (this.hasEnded || (this.#queue === undefined && !this.connection.isBlocked)) return true;
    this.#isHeld = true;
    this.connection.wait(this);
    return false;
  }

  /** The same for a part of a body in the chunked coding, whose trailers become those of the stream. */
  protected writeChunks(chunks: ChunkReader, bytes: Uint8Array, from: number, to: number): boolean {
    let takesMore = true;
    chunks.read(bytes, from, to, (start, end) => {
      takesMore = this.write(bytes, start, end);
    });
    if (!chunks.done) return takesMore;
    // Of those about one connection the peer would think that they break the protocol (RFC 9113 §8.2.2).
    this.#trailers = chunks.trailers().filter(([name]) => nameOf(name).kind !== MALFORMED);
    return this.write(bytes, to, to, true);
  }

  /** Writes what it can of what waits. */
  pump(): void {
    if (this.isClosed) return;
    const queue = this.#queue;
    if (queue !== undefined) {
      const isLast = this.#isEnding && this.#trailers.length === 0;
      const at = this.connection.sendData(this, queue.bytes, queue.from, queue.to, isLast);
      if (at > queue.from) {
        queue.from = at;
        this.onProgress();
      }
      if (queue.from < queue.to) return;
      queue.clear();
      this.#queue = undefined;
    }
    if (this.connection.isBlocked) return;
    if (this.#isEnding && !this.hasEnded) this.#end();
    this.#settled();
    this.connection.unwait(this);
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (!this.isClosed) this.onDrained();
  }

  /** The end behind all data: by itself, or trailers. */
  #end(): void {
    const { connection } = this;
    if (this.#trailers.length === 0) {
      connection.sendData(this, NOTHING, 0, 0, true);
      return;
    }
    const encoder = connection.beginHeaders();
    for (const [name, value] of this.#trailers) encoder.text(name, value);
    connection.endHeaders(this, true);
  }

  #settled(): void {
    if (!this.hasEnded || this.isClosed) return;
    if (this.peerHasEnded) this.connection.close(this);
    else if (this.#endsAll) this.reset(NO_ERROR);
  }

  /** A head that says all. */
  protected endedWithHead(): void {
    this.#settled();
  }

  /** Once all is written the peer need not go on. */
  protected endAll(): void {
    this.#endsAll = true;
    this.#settled();
  }

  /** Ends it both ways at once, with an error code. */
  reset(code: number): void {
    if (this.isClosed) return;
    this.resetCode = code;
    if (!this.#isDetached) this.connection.sendReset(this.id, code);
    this.connection.close(this);
  }

  // In

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Whoever resumes is at work itself.
    if (this.#carry !== undefined || this.#isEndCarried) this.connection.later(this);
  }

  /** So much is on its way. False: more than the peer was allowed. */
  expect(length: number): boolean {
    this.#received += length;
    return this.#received <= WINDOW;
  }

  receive(bytes: Uint8Array, from: number, to: number): void {
    if (this.#isPaused || this.#carry !== undefined) {
      this.#carry ??= new Queue();
      this.#carry.append(bytes, from, to);
      return;
    }
    this.onData(bytes, from, to);
    this.take(to - from);
  }

  /** So many bytes were used up, of the body or around it. */
  take(length: number): void {
    this.connection.taken(length);
    this.#taken += length;
    if (this.#taken < WINDOW / 2 || this.peerHasEnded || this.isClosed) return;
    this.connection.sendWindow(this.id, this.#taken);
    this.#received -= this.#taken;
    this.#taken = 0;
  }

  /** The peer has ended it. */
  receiveEnd(): void {
    this.peerHasEnded = true;
    if (this.#isPaused || this.#carry !== undefined) this.#isEndCarried = true;
    else {
      this.onEnd();
      this.#settled();
    }
  }

  /** Hands on what came while it was paused. */
  #deliver(): void {
    const carry = this.#carry;
    while (carry !== undefined && carry.length > 0) {
      if (this.#isPaused || this.isClosed) return;
      const from = carry.from;
      const length = Math.min(PIECE, carry.length);
      carry.from += length;
      this.onData(carry.bytes, from, from + length);
      this.take(length);
    }
    if (this.isClosed) return;
    carry?.clear();
    this.#carry = undefined;
    if (this.#isPaused || !this.#isEndCarried) return;
    this.#isEndCarried = false;
    this.onEnd();
    this.#settled();
  }

  /** All of it has come, and its end waits to be handed on. */
  get isWhole(): boolean {
    return this.#isEndCarried;
  }

  /** Its connection forgets it; it closes behind what waits to be handed on. */
  detach(): void {
    this.#isDetached = true;
    this.hasEnded = true;
    this.#queue?.clear();
    this.#queue = undefined;
  }

  /** Its connection forgets it: what was received and not used up makes room for others. */
  forget(): void {
    this.isClosed = true;
    this.#queue?.clear();
    this.#queue = undefined;
    if (this.#carry !== undefined) {
      this.connection.taken(this.#carry.length);
      this.#carry.clear();
    }
    this.#carry = undefined;
  }
}

/** What of a body is handed on at once. */
const PIECE = 32_768;
