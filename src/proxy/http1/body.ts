/** Where a message body ends: by its length, by its chunks, or with the connection. A state machine over byte ranges. */
import { CLASS, CR, HEX, LF, move, SEMICOLON, SPACE, TAB, TOKEN, VALUE } from './bytes.ts';
import { CONTENT_LENGTH, fieldOf, HOST_FIELD, OTHER, TRANSFER_ENCODING } from './fields.ts';

export const NO_BODY = 0;
export const BY_LENGTH = 1;
export const BY_CHUNKS = 2;
export const BY_CLOSE = 3;

const SIZE = 0;
const SIZE_MORE = 1;
const BLANK = 2;
const EXTENSION = 3;
const SIZE_LF = 4;
const DATA = 5;
const DATA_CR = 6;
const DATA_LF = 7;
const TRAILER = 8;
const TRAILER_NAME = 9;
const TRAILER_VALUE = 10;
const TRAILER_LF = 11;
const END_LF = 12;

/** Bytes of extensions and blanks in one chunk-size line; nobody uses them but to waste our time. */
const MAX_EXTENSION = 1_024;
/** Bytes of a whole trailer section: as much as a head may have, since gRPC says there in detail what went wrong. */
const MAX_TRAILERS = 32_768;
/** No field that is looked for has a longer name. */
const LONGEST_NAME = 20;
/** 2^52: a chunk beyond that is an overflow somewhere, not a body. */
const MAX_CHUNK = 2 ** 52;

/** The body of one message. Reused: `begin` starts the next one. */
export class Body {
  kind = NO_BODY;
  /** Ended as it should. */
  done = true;
  /** Malformed: no position in the stream can be trusted any more. */
  failed = false;
  /** After `extract`: where the data it moved ends. */
  dataEnd = 0;
  #left = 0;
  #state = SIZE;
  #budget = 0;
  #digits = 0;
  #nameLength = 0;
  /** Made when the first trailer comes: hardly any body has one. */
  #nameBytes: Uint8Array | undefined;

  /** `length` counts for BY_LENGTH only. */
  begin(kind: number, length: number): void {
    this.kind = kind === BY_LENGTH && length === 0 ? NO_BODY : kind;
    this.done = this.kind === NO_BODY;
    this.failed = false;
    this.#left = length;
    this.#state = SIZE;
    this.#digits = 0;
  }

  /** How much of [from, to) belongs to this body: the position behind it. Sets `done` or `failed`. */
  advance(bytes: Uint8Array, from: number, to: number): number {
    if (this.kind === BY_LENGTH) {
      const n = to - from;
      if (n < this.#left) {
        this.#left -= n;
        return to;
      }
      const end = from + this.#left;
      this.#left = 0;
      this.done = true;
      return end;
    }
    if (this.kind === BY_CHUNKS) return this.#walk(bytes, from, to, -1);
    return this.kind === BY_CLOSE ? to : from;
  }

  /** How many bytes come before the next one that has to be looked at; 0: it is the next one. */
  get ahead(): number {
    if (this.done || this.failed) return 0;
    if (this.kind === BY_LENGTH) return this.#left;
    if (this.kind === BY_CLOSE) return Number.POSITIVE_INFINITY;
    return this.#state === DATA ? this.#left : 0;
  }

  /** The next bytes of it have gone by: as many as were `ahead`, or fewer. */
  skip(length: number): void {
    if (this.kind === BY_CLOSE) return;
    this.#left -= length;
    if (this.#left > 0) return;
    if (this.kind === BY_LENGTH) this.done = true;
    else this.#state = DATA_CR;
  }

  /** As `advance`, for chunks: moves their data, without the coding, to `out` (up to `dataEnd`). `out` has room for to - from. */
  extract(bytes: Uint8Array, from: number, to: number, out: number): number {
    return this.#walk(bytes, from, to, out);
  }

  #walk(bytes: Uint8Array, from: number, to: number, out: number): number {
    this.dataEnd = out;
    let state = this.#state;
    let p = from;
    while (p < to) {
      if (state === DATA) {
        const n = Math.min(to - p, this.#left);
        if (out >= 0) {
          move(bytes, this.dataEnd, p, p + n);
          this.dataEnd += n;
        }
        p += n;
        this.#left -= n;
        if (this.#left === 0) state = DATA_CR;
        continue;
      }
      const byte = bytes[p++]!;
      switch (state) {
        case SIZE:
        case SIZE_MORE:
          if ((CLASS[byte]! & HEX) !== 0) {
            if (state === SIZE) {
              this.#left = 0;
              this.#digits = 0;
              this.#budget = MAX_EXTENSION;
              state = SIZE_MORE;
            }
            this.#left = this.#left * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87);
            if (++this.#digits > 16 || this.#left > MAX_CHUNK) return this.#fail(p);
          } else if (state === SIZE) return this.#fail(p);
          else if (byte === CR) state = SIZE_LF;
          else if (byte === SEMICOLON) state = EXTENSION;
          else if (byte === SPACE || byte === TAB) state = BLANK;
          else return this.#fail(p);
          break;
        case BLANK:
          if (byte === SEMICOLON) state = EXTENSION;
          else if ((byte !== SPACE && byte !== TAB) || --this.#budget < 0) return this.#fail(p);
          break;
        case EXTENSION:
          if (byte === CR) state = SIZE_LF;
          else if ((CLASS[byte]! & VALUE) === 0 || --this.#budget < 0) return this.#fail(p);
          break;
        case SIZE_LF:
          if (byte !== LF) return this.#fail(p);
          if (this.#left === 0) {
            state = TRAILER;
            this.#budget = MAX_TRAILERS;
          } else state = DATA;
          break;
        case DATA_CR:
          if (byte !== CR) return this.#fail(p);
          state = DATA_LF;
          break;
        case DATA_LF:
          if (byte !== LF) return this.#fail(p);
          state = SIZE;
          break;
        case TRAILER:
        case TRAILER_NAME:
        case TRAILER_VALUE:
        case TRAILER_LF:
          state = this.#trailer(state, byte);
          if (state < 0) return this.#fail(p);
          break;
        default:
          if (byte !== LF) return this.#fail(p);
          this.done = true;
          this.#state = SIZE;
          return p;
      }
    }
    this.#state = state;
    return p;
  }

  /** One byte of the trailer section: checked like a head, without fields that frame or address (RFC 9110 §6.5.1). -1: bad. */
  #trailer(state: number, byte: number): number {
    if (--this.#budget < 0) return -1;
    switch (state) {
      case TRAILER:
        if (byte === CR) return END_LF;
        this.#nameLength = 0;
        break;
      case TRAILER_VALUE:
        if (byte === CR) return TRAILER_LF;
        return (CLASS[byte]! & VALUE) !== 0 ? TRAILER_VALUE : -1;
      case TRAILER_LF:
        return byte === LF ? TRAILER : -1;
    }
    if ((CLASS[byte]! & TOKEN) !== 0) {
      this.#nameBytes ??= new Uint8Array(LONGEST_NAME);
      if (this.#nameLength < LONGEST_NAME) this.#nameBytes[this.#nameLength] = byte;
      this.#nameLength++;
      return TRAILER_NAME;
    }
    if (byte !== 58 || this.#nameLength === 0) return -1;
    const length = this.#nameLength;
    const name = length > LONGEST_NAME ? OTHER : fieldOf(this.#nameBytes!, 0, length);
    return name === HOST_FIELD || name === CONTENT_LENGTH || name === TRANSFER_ENCODING ? -1 : TRAILER_VALUE;
  }

  #fail(at: number): number {
    this.failed = true;
    return at;
  }
}
