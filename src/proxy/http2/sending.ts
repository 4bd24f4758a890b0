/** What a side of a connection says: frames of a turn gathered for one write, as far as the peer's windows and the wire allow. */

import { COMPOSED_LIMITS } from '../limits.ts';
import type { ByteSender } from '../net/sender.ts';
import { nodeTurn } from '../node-turn.ts';
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FIRST_WINDOW,
  FLOW_CONTROL_ERROR,
  GOAWAY,
  HEADERS,
  LONGEST,
  MOST,
  NO_ERROR,
  PING,
  PROTOCOL_ERROR,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeUint32,
} from './frames.ts';
import { Encoder } from './hpack/encoder.ts';
import { Outbox } from './outbox.ts';
import type { Http2Stream } from './stream.ts';

/** What goes out at once even though the turn is not over: senders take what a read brings, and let little more wait. */
const FULL = 3 * LONGEST;
/** Bytes for a peer that takes nothing: then nothing more is read of it, whose answers would only be more. */
const MOST_UNREAD = 65_536;
/** Ids of streams that were reset here: what the peer had sent before it heard of it is no mistake. Of older ones it is not known. */
const REMEMBERED = 128;

/** The header block that is being written. */
const written = new Uint8Array(COMPOSED_LIMITS.maxHead + 16 * COMPOSED_LIMITS.maxFields + 1_024);

export abstract class Sending {
  /** The wire takes nothing more for now. */
  isBlocked = false;
  /** Changes when the peer takes something. */
  protected progress = 0;
  protected readonly encoder = new Encoder();
  readonly #out = new Outbox();
  #sender: ByteSender | undefined;
  /** What the peer takes on all streams together, and on one that begins. */
  #window = FIRST_WINDOW;
  #firstWindow = FIRST_WINDOW;
  /** Streams that wait for a window or for the wire. */
  readonly #waiting: Http2Stream[] = [];
  readonly #reset = new Int32Array(REMEMBERED);
  #resets = 0;
  /** The highest id of those that were forgotten. */
  #forgotten = 0;

  /** There is something to flush at the end of the turn. */
  protected abstract beDue(): void;

  /** It may send from now on. `settings`: pairs of numbers and values. */
  protected openWith(sender: ByteSender, preface: Uint8Array, settings: readonly number[]): void {
    this.#sender = sender;
    nodeTurn.isDue = true;
    if (preface.length > 0) sender.send(preface, 0, preface.length);
    let at = this.#out.frame(SETTINGS, 0, 0, settings.length * 3);
    for (let i = 0; i < settings.length; i += 2) {
      const { bytes } = this.#out;
      bytes[at] = settings[i]! >>> 8;
      bytes[at + 1] = settings[i]!;
      writeUint32(bytes, at + 2, settings[i + 1]!);
      at += 6;
    }
    this.beDue();
  }

  /** The wire is gone. */
  protected shut(): void {
    this.#sender = undefined;
    this.#out.clear();
  }

  protected flush(): void {
    const out = this.#out;
    if (out.length === 0 || this.isBlocked || this.#sender === undefined) return;
    nodeTurn.isDue = true;
    this.isBlocked = !this.#sender.send(out.bytes, 0, out.length);
    out.clear();
    this.progress++;
  }

  /** The wire has sent everything. */
  drained(): void {
    this.isBlocked = false;
    this.progress++;
    this.pump();
    this.beDue();
  }

  // Frames

  /** Writes as much of a body as the windows and the wire take; the answer is where that ends. */
  sendData(stream: Http2Stream, bytes: Uint8Array, from: number, to: number, isLast: boolean): number {
    let at = from;
    while (!this.isBlocked && this.#sender !== undefined) {
      // A window may be below zero. The end alone needs none.
      const length = Math.max(0, Math.min(to - at, LONGEST, this.#window, stream.sendWindow));
      if (length === 0 && (at < to || !isLast)) break;
      const isEnd = isLast && at + length === to;
      this.#out.copy(DATA, isEnd ? END_STREAM : 0, stream.id, bytes, at, at + length);
      at += length;
      this.#window -= length;
      stream.sendWindow -= length;
      if (isEnd) stream.hasEnded = true;
      if (this.#out.length >= FULL) this.flush();
      else this.beDue();
      if (at === to) break;
    }
    return at;
  }

  /** The fields are for the answer; then `endHeaders`. */
  beginHeaders(): Encoder {
    this.encoder.begin(written, 0);
    return this.encoder;
  }

  endHeaders(stream: Http2Stream, isAll: boolean): void {
    const { end } = this.encoder;
    let at = 0;
    let type = HEADERS;
    let flags = isAll ? END_STREAM : 0;
    do {
      const to = Math.min(end, at + LONGEST);
      this.#out.copy(type, to === end ? flags | END_HEADERS : flags, stream.id, written, at, to);
      at = to;
      type = CONTINUATION;
      flags = 0;
    } while (at < end);
    if (isAll) stream.hasEnded = true;
    this.beDue();
  }

  sendReset(id: number, code: number): void {
    const slot = this.#resets++ % REMEMBERED;
    this.#forgotten = Math.max(this.#forgotten, this.#reset[slot]!);
    this.#reset[slot] = id;
    this.#control(RST_STREAM, 0, id, 4, code);
  }

  /** Whether it was reset here a while ago, or may have been. */
  protected wasReset(id: number): boolean {
    return id <= this.#forgotten || this.#reset.includes(id);
  }

  /** The peer may send so much more; `id` 0: on all streams together. */
  sendWindow(id: number, more: number): void {
    this.#control(WINDOW_UPDATE, 0, id, 4, more);
  }

  protected sendPing(): void {
    this.#control(PING, 0, 0, 8, 0);
  }

  protected sendGoaway(last: number, code: number): void {
    const at = this.#control(GOAWAY, 0, 0, 8, last);
    writeUint32(this.#out.bytes, at + 4, code);
  }

  /** Whether the peer does not read what it asked for. */
  protected get isUnread(): boolean {
    return this.isBlocked && this.#out.length > MOST_UNREAD;
  }

  /** Answers to what the peer sends, who has to read them. False: it does not. */
  protected sendAck(type: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.isUnread) return false;
    this.#out.copy(type, ACK, 0, bytes, from, to);
    this.beDue();
    return true;
  }

  #control(type: number, flags: number, id: number, length: number, value: number): number {
    const at = this.#out.frame(type, flags, id, length);
    writeUint32(this.#out.bytes, at, value);
    if (length > 4) writeUint32(this.#out.bytes, at + 4, 0);
    this.beDue();
    return at;
  }

  // Windows. The answers are error codes.

  /** The window of a stream that begins now. */
  protected get firstWindow(): number {
    return this.#firstWindow;
  }

  /** The peer takes more, or less, of each stream. */
  protected setFirstWindow(size: number, streams: Iterable<Http2Stream>): number {
    if (size > MOST) return FLOW_CONTROL_ERROR;
    const more = size - this.#firstWindow;
    this.#firstWindow = size;
    for (const stream of streams) {
      stream.sendWindow += more;
      if (stream.sendWindow > MOST) return FLOW_CONTROL_ERROR;
    }
    return NO_ERROR;
  }

  /** The peer takes so much more on all streams together. */
  protected widen(more: number): number {
    this.#window += more;
    if (more === 0) return PROTOCOL_ERROR;
    if (this.#window > MOST) return FLOW_CONTROL_ERROR;
    this.pump();
    return NO_ERROR;
  }

  /** The same, of one stream. */
  protected widenStream(stream: Http2Stream, more: number): number {
    stream.sendWindow += more;
    if (more === 0) return PROTOCOL_ERROR;
    if (stream.sendWindow > MOST) return FLOW_CONTROL_ERROR;
    if (stream.isWaiting && !this.isBlocked) stream.pump();
    return NO_ERROR;
  }

  wait(stream: Http2Stream): void {
    if (stream.isWaiting) return;
    stream.isWaiting = true;
    this.#waiting.push(stream);
  }

  unwait(stream: Http2Stream): void {
    if (!stream.isWaiting) return;
    stream.isWaiting = false;
    this.#waiting.splice(this.#waiting.indexOf(stream), 1);
  }

  /** Lets all that wait write, those first that have waited longest. */
  protected pump(): void {
    for (const stream of [...this.#waiting]) {
      if (this.isBlocked) return;
      stream.pump();
    }
  }
}
