/** What an HTTP/2 client begins with (RFC 9113 §3.4); no HTTP/1.1 request can. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export interface PrefaceOutcome {
  readonly isHttp2: boolean;
  /** All that was read. */
  readonly seen: Buffer;
}

/** Tells a client that begins with HTTP/2 ("prior knowledge") from others by its first bytes. */
export class Preface {
  #seen: Buffer = Buffer.alloc(0);

  read(piece: Buffer): PrefaceOutcome | 'more' {
    this.#seen = this.#seen.length === 0 ? piece : Buffer.concat([this.#seen, piece]);
    const seen = this.#seen;
    const isLikely = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
    if (isLikely && seen.length < PREFACE.length) return 'more';
    return { isHttp2: isLikely, seen };
  }
}
