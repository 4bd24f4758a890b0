// @ts-check

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state;

  /** @param {number} seed @param {number} [stream] which of the independent sequences of that seed */
  constructor(seed, stream = 0) {
    // Neighbouring seeds and streams must not give sequences that begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 0x7f4a7c15, 0xc2b2ae35);
    this.next();
    this.next();
  }

  /** 0 ≤ x < 1 */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number below `bound`. @param {number} bound */
  below(bound) {
    return Math.floor(this.next() * bound);
  }

  /** @param {number} probability */
  chance(probability) {
    return this.next() < probability;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  pick(list) {
    return /** @type {T} */ (list[this.below(list.length)]);
  }

  /** @template T @param {number} count @param {(i: number) => T} make @returns {T[]} */
  times(count, make) {
    return Array.from({ length: count }, (_, i) => make(i));
  }

  /** @param {number} count */
  bytes(count) {
    return Buffer.from(this.times(count, () => this.below(256)));
  }
}

/**
 * A few bytes of it changed, left out, put in, doubled or cut off.
 * @param {Random} random @param {Uint8Array} bytes
 */
export function mutated(random, bytes) {
  let result = Buffer.from(bytes);
  for (let left = 1 + random.below(6); left > 0; left--) {
    const at = random.below(result.length + 1);
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    const some = after.subarray(0, random.below(16));
    result = random.pick([
      () => Buffer.concat([before, random.bytes(1), after.subarray(1)]),
      () => Buffer.concat([before, after.subarray(some.length)]),
      () => Buffer.concat([before, random.bytes(1 + random.below(8)), after]),
      () => Buffer.concat([before, some, some, after.subarray(some.length)]),
      () => Buffer.concat([before, Buffer.from(random.pick(ODD_BYTES)), after]),
      () => before,
    ])();
  }
  return result;
}

const ODD_BYTES = [
  [0],
  [0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff],
  [0x80, 0],
  [0xc0, 0x0c],
  [0xc0, 0],
  [13, 10],
  [13, 10, 13, 10],
  [10],
  [0x22],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
];
