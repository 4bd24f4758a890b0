/** Requests as they were sent, for as long as they may have to be sent again. */
import { put } from './bytes.ts';
import { viewOf } from './memory.ts';

/** Most heads with what we add to them fit; a longer request has memory of its own. */
const ROOM = 2_048;
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

  /** It is not needed any more. */
  giveBack(kept: KeptRequest): void {
    if (kept.bytes.length === ROOM && this.#spare.length < SPARE) this.#spare.push(kept);
  }
}
