/** The head of a response (RFC 9112 §4). Hot path: one reused record, no strings. */
import { CLASS, CR, DIGIT, LF, latin1, SPACE, VALUE } from './bytes.ts';
import { Fields, type HeadLimits } from './fields.ts';
import { BAD_CODING, BAD_STATUS, HEAD_TOO_LARGE, NEED_MORE, TWO_FRAMINGS } from './refusals.ts';

const HTTP = latin1('HTTP/1.');

/** What `scan` found. Valid until the next scan. */
export class ResponseHead {
  readonly fields = new Fields();
  start = 0;
  /** Behind the empty line. */
  end = 0;
  status = 0;
  minor = 1;
  /** The status line ends right behind the code. */
  lacksSpace = false;

  /** Position behind the head, NEED_MORE, or a refusal (negative). */
  scan(bytes: Uint8Array, start: number, end: number, limits: HeadLimits): number {
    this.start = start;
    const seen = Math.min(end, start + limits.maxLine);
    let p = start;
    for (let i = 0; i < 7 && p + i < seen; i++) if (bytes[p + i] !== HTTP[i]) return BAD_STATUS;
    p += 7;
    if (p < seen && bytes[p] !== 48 && bytes[p] !== 49) return BAD_STATUS;
    if (p + 1 < seen && bytes[p + 1] !== SPACE) return BAD_STATUS;
    for (let i = 2; i < 5; i++) if (p + i < seen && (CLASS[bytes[p + i]!]! & DIGIT) === 0) return BAD_STATUS;
    if (p + 2 < seen && bytes[p + 2] === 48) return BAD_STATUS;
    // A space stands behind the code even without a reason (RFC 9112 §4), but many leave it out, and everybody takes that.
    let q = p + 6;
    if (p + 5 < seen && bytes[p + 5] !== SPACE) {
      if (bytes[p + 5] !== CR) return BAD_STATUS;
      q--;
    }
    while (q < seen && (CLASS[bytes[q]!]! & VALUE) !== 0) q++;
    if (q + 1 >= seen) return seen < end ? HEAD_TOO_LARGE : NEED_MORE;
    if (bytes[q] !== CR || bytes[q + 1] !== LF) return BAD_STATUS;
    this.minor = bytes[p]! - 48;
    this.lacksSpace = bytes[p + 5] === CR;
    this.status = (bytes[p + 2]! - 48) * 100 + (bytes[p + 3]! - 48) * 10 + bytes[p + 4]! - 48;
    const fields = this.fields;
    const behind = fields.scan(bytes, start, q + 2, end, limits);
    if (behind <= 0) return behind;
    if (fields.chunked) {
      if (fields.contentLength >= 0) return TWO_FRAMINGS;
      if (this.minor === 0) return BAD_CODING;
    }
    this.end = behind;
    return behind;
  }

  /** Whether the backend keeps its connection open after this response (RFC 9112 §9.3). */
  staysOpen(): boolean {
    return this.minor === 1 ? !this.fields.close : this.fields.keepAlive && !this.fields.close;
  }
}
