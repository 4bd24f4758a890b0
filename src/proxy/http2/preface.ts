import type { Before } from '../net/accepted.ts';

/** What an HTTP/2 client begins with (RFC 9113 §3.4); no HTTP/1.1 request can. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const PREFACE_LENGTH = PREFACE.length;

/** Whether the first `length` bytes are those of the preface from `at` on. */
export function isPreface(bytes: Uint8Array, length: number, at: number): boolean {
  return PREFACE.subarray(at, at + length).equals(bytes.subarray(0, length));
}

export interface PrefaceOutcome extends Before {
  readonly isHttp2: boolean;
}

/** Tells a client that begins with HTTP/2 ("prior knowledge") from others by its first bytes. */
export class Preface {
  readonly #address: string | undefined;
  #seen: Buffer = Buffer.alloc(0);

  /** `address`: as `Before` has it. */
  constructor(address?: string) {
    this.#address = address;
  }

  read(piece: Buffer): PrefaceOutcome | 'more' {
    this.#seen = this.#seen.length === 0 ? piece : Buffer.concat([this.#seen, piece]);
    const seen = this.#seen;
    const isLikely = isPreface(seen, Math.min(seen.length, PREFACE_LENGTH), 0);
    if (isLikely && seen.length < PREFACE_LENGTH) return 'more';
    return { isHttp2: isLikely, bytes: seen, address: this.#address };
  }
}
