/** Requests as they were sent, for as long as they may have to be sent again. */
import { put } from './bytes.ts';
import { viewOf } from './memory.ts';

/** Most heads with what we add to them fit; a longer request has memory of its own. */
const ROOM = 2_048;
/** No longer one is kept, if all of it did not come at once. */
const MOST = 16_384;
/** Kept for the next requests: 2 MB. */
const SPARE = 1_000;

export class KeptRequest {
  readonly bytes: Uint8Array;
  length = 0;

  constructor(room: number) {
    this.bytes = new Uint8Array(room);
  }
}

/** Hands out memory for requests, and uses it anew: nothing is allocated for most of them. */
export class KeptRequests {
  readonly #spare: KeptRequest[] = [];

  /** A copy of [start, end). */
  keep(memory: Uint8Array, start: number, end: number): KeptRequest {
    const length = end - start;
    const kept = length > ROOM ? new KeptRequest(length) : (this.#spare.pop() ?? new KeptRequest(ROOM));
    put(kept.bytes, viewOf(memory, start, end), 0);
    kept.length = length;
    return kept;
  }

  /** The same with [start, end) behind it, in the place of it. Undefined: it is longer than what is kept. */
  extend(kept: KeptRequest, memory: Uint8Array, start: number, end: number): KeptRequest | undefined {
    const length = kept.length + end - start;
    if (length > MOST) return undefined;
    let longer = kept;
    if (length > kept.bytes.length) {
      longer = new KeptRequest(MOST);
      longer.bytes.set(kept.bytes.subarray(0, kept.length));
      this.giveBack(kept);
    }
    put(longer.bytes, memory.subarray(start, end), kept.length);
    longer.length = length;
    return longer;
  }

  /** It is not needed any more. */
  giveBack(kept: KeptRequest): void {
    if (kept.bytes.length === ROOM && this.#spare.length < SPARE) this.#spare.push(kept);
  }
}
