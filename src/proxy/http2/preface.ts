import type { Before } from '../net/accepted.ts';

/** What an HTTP/2 client begins with (RFC 9113 §3.4); no HTTP/1.1 request can. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

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
    const isLikely = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
    if (isLikely && seen.length < PREFACE.length) return 'more';
    return { isHttp2: isLikely, bytes: seen, address: this.#address };
  }
}
