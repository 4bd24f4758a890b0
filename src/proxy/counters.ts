/**
 * Numbers of the data path in shared memory: each worker writes its own block without locks, the main thread reads
 * all of them whenever it wants. Doubles, because they hold counts up to 2^53 and aligned 8-byte stores do not tear
 * on any machine we run on.
 */

/** Buckets of a latency histogram: four per octave from 16 µs to about 4 minutes (an error of at most 19 %). */
export const BUCKETS = 96;

export const CONNECTIONS = 0;
export const OPEN_CONNECTIONS = 1;
export const REQUESTS = 2;
export const IN_FLIGHT = 3;
/** + class: 1xx at 4 … 5xx at 8 */
export const CLASS_1XX = 4;
/** Sum of the times from request head to end of response, ms. */
export const TIME = 9;
/** Answers made by ourselves. */
export const OWN_4XX = 10;
export const OWN_5XX = 11;
export const CONNECT_FAILURES = 12;
/** Connections cut before the response. */
export const CUTS = 13;
export const BYTES_IN = 14;
export const BYTES_OUT = 15;
export const RETRIES = 16;
const FIELDS = 20;
const STRIDE = FIELDS + BUCKETS;

/** Most routes and instances with counters of their own; the last slot of each is shared by all beyond it. */
export const TARGET_SLOTS = 8_192;
export const ROUTE_SLOTS = 4_096;

const OVERALL = 0;
const ROUTES = STRIDE;
const TARGETS = ROUTES + ROUTE_SLOTS * STRIDE;
const LENGTH = TARGETS + TARGET_SLOTS * STRIDE;

/** Untouched pages of it cost no memory. */
export function createCounterBlock(): SharedArrayBuffer {
  return new SharedArrayBuffer(LENGTH * Float64Array.BYTES_PER_ELEMENT);
}

function bucketOf(ms: number): number {
  const us = Math.min(ms * 1_000, 0x7fffffff) | 0;
  if (us < 16) return 0;
  const octave = 31 - Math.clz32(us);
  return Math.min(BUCKETS - 1, (octave - 4) * 4 + ((us >>> (octave - 2)) & 3));
}

/** Upper edge of a bucket in ms. */
export function bucketEdge(bucket: number): number {
  const octave = (bucket >> 2) + 4;
  return (2 ** octave * (1 + ((bucket & 3) + 1) / 4)) / 1_000;
}

/** The writing side: one per worker. */
export class Counters {
  readonly #cells: Float64Array;

  constructor(block: SharedArrayBuffer) {
    this.#cells = new Float64Array(block);
  }

  /** Adds to a field of the whole worker. */
  overall(field: number, by = 1): void {
    this.#cells[OVERALL + field]! += by;
  }

  route(slot: number, field: number, by = 1): void {
    this.#cells[ROUTES + Math.min(slot, ROUTE_SLOTS - 1) * STRIDE + field]! += by;
  }

  target(slot: number, field: number, by = 1): void {
    this.#cells[TARGETS + Math.min(slot, TARGET_SLOTS - 1) * STRIDE + field]! += by;
  }

  /** A response came to its end: class and time, everywhere. */
  answered(routeSlot: number, targetSlot: number, status: number, ms: number): void {
    const field = CLASS_1XX - 1 + ((status / 100) | 0);
    const bucket = FIELDS + bucketOf(ms);
    this.#add(OVERALL, field, bucket, ms);
    this.#add(ROUTES + Math.min(routeSlot, ROUTE_SLOTS - 1) * STRIDE, field, bucket, ms);
    this.#add(TARGETS + Math.min(targetSlot, TARGET_SLOTS - 1) * STRIDE, field, bucket, ms);
  }

  #add(at: number, field: number, bucket: number, ms: number): void {
    const cells = this.#cells;
    cells[at + field]! += 1;
    cells[at + bucket]! += 1;
    cells[at + TIME]! += ms;
  }
}

export interface Tally {
  connections: number;
  openConnections: number;
  requests: number;
  inFlight: number;
  /** Responses by class: [1xx, 2xx, 3xx, 4xx, 5xx], as backends sent them. */
  classes: number[];
  /** Answers of our own. */
  own4xx: number;
  own5xx: number;
  connectFailures: number;
  cuts: number;
  retries: number;
  bytesIn: number;
  bytesOut: number;
  /** Mean, median and 99th percentile of the time from request head to end of response, ms; 0 without a response. */
  mean: number;
  p50: number;
  p99: number;
}

/** The reading side: sums the blocks of all workers, dead ones included (so that no count goes backwards). */
export class CounterReader {
  readonly #blocks: Float64Array[] = [];

  add(block: SharedArrayBuffer): void {
    this.#blocks.push(new Float64Array(block));
  }

  overall(): Tally {
    return this.#tally(OVERALL);
  }

  route(slot: number): Tally {
    return this.#tally(ROUTES + Math.min(slot, ROUTE_SLOTS - 1) * STRIDE);
  }

  target(slot: number): Tally {
    return this.#tally(TARGETS + Math.min(slot, TARGET_SLOTS - 1) * STRIDE);
  }

  /** Sets the counters of an instance's slot to zero, when the slot gets another owner. */
  clearTarget(slot: number): void {
    this.#clear(TARGETS + slot * STRIDE);
  }

  clearRoute(slot: number): void {
    this.#clear(ROUTES + slot * STRIDE);
  }

  #clear(at: number): void {
    for (const cells of this.#blocks) cells.fill(0, at, at + STRIDE);
  }

  #tally(at: number): Tally {
    const sum = (field: number) => this.#blocks.reduce((total, cells) => total + cells[at + field]!, 0);
    const histogram = Array.from({ length: BUCKETS }, (_, bucket) => sum(FIELDS + bucket));
    const answered = histogram.reduce((a, b) => a + b, 0);
    return {
      connections: sum(CONNECTIONS),
      openConnections: sum(OPEN_CONNECTIONS),
      requests: sum(REQUESTS),
      inFlight: sum(IN_FLIGHT),
      classes: [0, 1, 2, 3, 4].map((index) => sum(CLASS_1XX + index)),
      own4xx: sum(OWN_4XX),
      own5xx: sum(OWN_5XX),
      connectFailures: sum(CONNECT_FAILURES),
      cuts: sum(CUTS),
      retries: sum(RETRIES),
      bytesIn: sum(BYTES_IN),
      bytesOut: sum(BYTES_OUT),
      mean: answered === 0 ? 0 : sum(TIME) / answered,
      p50: quantile(histogram, answered, 0.5),
      p99: quantile(histogram, answered, 0.99),
    };
  }
}

function quantile(histogram: readonly number[], total: number, q: number): number {
  if (total === 0) return 0;
  let rest = total * q;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    rest -= histogram[bucket]!;
    if (rest <= 0) return bucketEdge(bucket);
  }
  return bucketEdge(BUCKETS - 1);
}
