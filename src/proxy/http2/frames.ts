/** Frames (RFC 9113 §4 and §6): their numbers, and what takes them apart. */

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const WITH_PRIORITY = 32;

export const HEADER_TABLE_SIZE = 1;
export const ENABLE_PUSH = 2;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;
export const MAX_FRAME_SIZE = 5;
export const MAX_HEADER_LIST_SIZE = 6;
export const ENABLE_CONNECT_PROTOCOL = 8;

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

/** Bytes in front of a payload. */
export const FRAME_HEAD = 9;
/** Longest payload, either way: what everybody takes from the start. */
export const LONGEST = 16_384;
/** Window of a connection, and of streams until a peer says otherwise. */
export const FIRST_WINDOW = 65_535;
/** No window is larger, no stream has a higher number. */
export const MOST = 2 ** 31 - 1;

export interface FrameHandler {
  /** Nothing is to be read any more. */
  readonly isOver: boolean;
  /** A DATA frame; `length`: of its payload, padding included. What is in it follows in pieces. */
  dataBegins(stream: number, length: number, flags: number): void;
  data(stream: number, bytes: Uint8Array, from: number, to: number): void;
  dataEnds(stream: number, flags: number): void;
  /** Any other, whole. */
  frame(type: number, flags: number, stream: number, bytes: Uint8Array, from: number, to: number): void;
  /** It breaks the protocol, with an error code of it. */
  broken(code: number): void;
}

/** Takes frames apart, cut anywhere. The body of a DATA frame is handed on as it comes. */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #head = new Uint8Array(FRAME_HEAD);
  #headLength = 0;
  /** Bytes of the payload that are still to come; -1: between frames. */
  #left = -1;
  #type = 0;
  #flags = 0;
  #stream = 0;
  /** Of `#left`, padding; -1: the byte that says it is still to come. */
  #padding = 0;
  /** A payload that comes in pieces. */
  #held: Uint8Array | undefined;
  #heldLength = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  read(bytes: Uint8Array, from: number, to: number): void {
    let p = from;
    while (p < to && !this.#handler.isOver) {
      if (this.#left < 0) p = this.#readHead(bytes, p, to);
      else if (this.#type === DATA) p = this.#readData(bytes, p, to);
      else p = this.#readPayload(bytes, p, to);
    }
  }

  #readHead(bytes: Uint8Array, p: number, to: number): number {
    if (this.#headLength === 0 && to - p >= FRAME_HEAD) {
      this.#begin(bytes, p);
      return p + FRAME_HEAD;
    }
    let at = p;
    while (at < to && this.#headLength < FRAME_HEAD) this.#head[this.#headLength++] = bytes[at++]!;
    if (this.#headLength === FRAME_HEAD) {
      this.#headLength = 0;
      this.#begin(this.#head, 0);
    }
    return at;
  }

  #begin(bytes: Uint8Array, p: number): void {
    const length = (bytes[p]! << 16) | (bytes[p + 1]! << 8) | bytes[p + 2]!;
    this.#type = bytes[p + 3]!;
    this.#flags = bytes[p + 4]!;
    this.#stream =
      ((bytes[p + 5]! & 0x7f) << 24) | (bytes[p + 6]! << 16) | (bytes[p + 7]! << 8) | bytes[p + 8]!;
    const handler = this.#handler;
    if (length > LONGEST) {
      handler.broken(FRAME_SIZE_ERROR);
      return;
    }
    this.#left = length;
    if (this.#type !== DATA) {
      if (length === 0) this.#deliver(bytes, 0, 0);
      return;
    }
    const isPadded = (this.#flags & PADDED) !== 0;
    if (isPadded && length === 0) {
      handler.broken(FRAME_SIZE_ERROR);
      return;
    }
    this.#padding = isPadded ? -1 : 0;
    handler.dataBegins(this.#stream, length, this.#flags);
    if (length === 0) this.#endData();
  }

  #readData(bytes: Uint8Array, from: number, to: number): number {
    let p = from;
    if (this.#padding < 0) {
      this.#padding = bytes[p++]!;
      this.#left--;
      if (this.#padding > this.#left) {
        this.#handler.broken(PROTOCOL_ERROR);
        return p;
      }
    }
    const body = Math.min(this.#left - this.#padding, to - p);
    if (body > 0) {
      this.#handler.data(this.#stream, bytes, p, p + body);
      this.#left -= body;
      p += body;
    }
    if (this.#left <= this.#padding) {
      const skipped = Math.min(this.#left, to - p);
      this.#left -= skipped;
      this.#padding -= skipped;
      p += skipped;
      if (this.#left === 0) this.#endData();
    }
    return p;
  }

  #endData(): void {
    this.#left = -1;
    if (!this.#handler.isOver) this.#handler.dataEnds(this.#stream, this.#flags);
  }

  #readPayload(bytes: Uint8Array, p: number, to: number): number {
    const length = this.#left;
    if (this.#held === undefined) {
      if (to - p >= length) {
        this.#deliver(bytes, p, p + length);
        return p + length;
      }
      this.#held = new Uint8Array(length);
      this.#heldLength = 0;
    }
    const held = this.#held;
    const taken = Math.min(held.length - this.#heldLength, to - p);
    held.set(bytes.subarray(p, p + taken), this.#heldLength);
    this.#heldLength += taken;
    if (this.#heldLength === held.length) {
      this.#held = undefined;
      this.#deliver(held, 0, held.length);
    }
    return p + taken;
  }

  #deliver(bytes: Uint8Array, from: number, to: number): void {
    this.#left = -1;
    this.#handler.frame(this.#type, this.#flags, this.#stream, bytes, from, to);
  }
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
