import { inTurns } from '../lib/in-turns.ts';
import { BUCKETS, bucketOf, quantile } from './latency-buckets.ts';

/**
 * Numbers of the data path in shared memory: each worker writes its own block without locks, the main thread reads
 * all of them whenever it wants. Doubles, because they hold counts up to 2^53 and aligned 8-byte stores do not tear
 * on any machine we run on.
 */

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
/** Connections that left HTTP and are open. */
export const TUNNELS = 17;
/** Requests that no route leads anywhere. */
export const NOT_FOUND = 18;
/** Sum of the times that requests waited until an instance had room, ms; of an instance, of those that it then got. */
export const WAITED = 19;
const FIELDS = 20;
const STRIDE = FIELDS + BUCKETS;

/** Slots for routes and instances together. Slot 0 is shared by all that found none of their own. */
export const SLOTS = 8_192;

/** Behind the slots: for each status code from 100 to 599 how many of our own answers had it, and how many and how slow those of backends and our own 5xx. */
const CODES = 500;
const CODE_OWN = 0;
const CODE_TIME = 1;
const CODE_BUCKETS = 2;
const CODE_STRIDE = CODE_BUCKETS + BUCKETS;
const CODES_AT = (SLOTS + 1) * STRIDE;

const LENGTH = CODES_AT + CODES * CODE_STRIDE;

/**
 * Behind the numbers: for each slot and each code one byte, whether it was ever counted for. The first look at a page of the rest
 * takes the kernel 20 to 40 µs, and there are 2,000.
 */
const MARKS_AT = LENGTH * Float64Array.BYTES_PER_ELEMENT;
const CODE_MARKS_AT = SLOTS;
const MARKS = SLOTS + CODES;

/** The slot that is counted for; what lies beyond goes with the shared one. */
function known(slot: number): number {
  return slot >= 0 && slot < SLOTS ? slot : 0;
}

/** Where the cells of a known slot begin; the cells in front are those of the whole worker. */
function cellsOf(slot: number): number {
  return (slot + 1) * STRIDE;
}

/** A code's place; those that nobody knows count as the last of their kind. */
function codeOf(status: number): number {
  return Math.max(0, Math.min(CODES - 1, status - 100));
}

function codeCellsOf(code: number): number {
  return CODES_AT + code * CODE_STRIDE;
}

/** The field of a status' class; what is beyond 599 counts as an error of the server (RFC 9110 §15). */
function classField(status: number): number {
  return CLASS_1XX - 1 + Math.min(5, (status / 100) | 0);
}

/** Untouched pages of it cost no memory. */
export function createCounterBlock(): SharedArrayBuffer {
  return new SharedArrayBuffer(MARKS_AT + MARKS);
}

/** The writing side: one per worker. */
export class Counters {
  readonly #cells: Float64Array;
  readonly #marks: Uint8Array;

  constructor(block: SharedArrayBuffer) {
    this.#cells = new Float64Array(block, 0, LENGTH);
    this.#marks = new Uint8Array(block, MARKS_AT, MARKS);
  }

  /** Adds to a field of the whole worker. */
  overall(field: number, by = 1): void {
    this.#cells[field]! += by;
  }

  /** Adds to a field of a route or an instance. */
  slot(slot: number, field: number, by = 1): void {
    this.#cells[this.#marked(slot) + field]! += by;
  }

  /** A response came to its end: class and time, everywhere. */
  answered(route: number, target: number, status: number, ms: number): void {
    const field = classField(status);
    const bucket = FIELDS + bucketOf(ms);
    this.#timed(this.#markedCode(status), ms);
    this.#add(0, field, bucket, ms);
    this.#add(this.#marked(route), field, bucket, ms);
    this.#add(this.#marked(target), field, bucket, ms);
  }

  /** A copy of a request was answered: no client saw it. */
  copied(route: number, target: number, status: number, ms: number): void {
    const field = classField(status);
    const bucket = FIELDS + bucketOf(ms);
    this.#add(this.#marked(route), field, bucket, ms);
    this.#add(this.#marked(target), field, bucket, ms);
  }

  /** An answer of our own. One that says that nobody could answer (5xx) stands among those of backends, too: whoever watches codes looks for it there. */
  own(status: number, ms: number): void {
    const code = this.#markedCode(status);
    this.#cells[code + CODE_OWN]! += 1;
    if (status >= 500) this.#timed(code, ms);
  }

  /** Where the cells of a slot begin, which is counted for from now on. */
  #marked(slot: number): number {
    const one = known(slot);
    this.#marks[one] = 1;
    return cellsOf(one);
  }

  #markedCode(status: number): number {
    const code = codeOf(status);
    this.#marks[CODE_MARKS_AT + code] = 1;
    return codeCellsOf(code);
  }

  #timed(code: number, ms: number): void {
    this.#cells[code + CODE_TIME]! += ms;
    this.#cells[code + CODE_BUCKETS + bucketOf(ms)]! += 1;
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
  /** Connections that left HTTP and are open. */
  tunnels: number;
  /** Requests that no route leads anywhere. */
  notFound: number;
  /** Sum of the times that requests waited until an instance had room, ms. */
  waited: number;
  /** Sum of the times, ms. */
  time: number;
  /** Mean, median and 99th percentile of the time from request head to end of response, ms; 0 without a response. */
  mean: number;
  p50: number;
  p99: number;
  /** Responses by time, `LATENCY_BOUNDS` has the upper edges of the buckets. */
  histogram: readonly number[];
}

/** Answers of one status code. */
export interface CodeTally {
  readonly status: number;
  /** How many of our own. */
  readonly own: number;
  /** Of those that backends sent, and of our own 5xx: sum of the times (ms), and how many by time. */
  readonly time: number;
  readonly histogram: readonly number[];
}

/** Nothing is open or under way any more. */
function end(cells: Float64Array, at: number): void {
  for (const field of [OPEN_CONNECTIONS, IN_FLIGHT, TUNNELS]) cells[at + field] = 0;
}

/** A block as it is read. */
class Block {
  readonly cells: Float64Array;
  readonly #marks: Uint8Array;

  constructor(block: SharedArrayBuffer) {
    this.cells = new Float64Array(block, 0, LENGTH);
    this.#marks = new Uint8Array(block, MARKS_AT, MARKS);
  }

  /** Whether anything was ever counted for a slot. */
  has(slot: number): boolean {
    return this.#marks[slot] !== 0;
  }

  hasCode(code: number): boolean {
    return this.#marks[CODE_MARKS_AT + code] !== 0;
  }

  /** The slots and codes that were counted for, by the places of their marks. */
  marked(): number[] {
    const places: number[] = [];
    for (let place = 0; place < MARKS; place++) if (this.#marks[place] !== 0) places.push(place);
    return places;
  }

  /** Takes over from `other` what it counted for the slot or code with a mark; it has nothing of it then. */
  take(other: Block, place: number): void {
    this.#marks[place] = 1;
    if (place < CODE_MARKS_AT) this.#move(other, cellsOf(place), STRIDE);
    else this.#move(other, codeCellsOf(place - CODE_MARKS_AT), CODE_STRIDE);
  }

  /** The same for what it counted for the whole worker. */
  takeOverall(other: Block): void {
    this.#move(other, 0, STRIDE);
  }

  #move(other: Block, at: number, length: number): void {
    for (let i = at; i < at + length; i++) {
      this.cells[i]! += other.cells[i]!;
      other.cells[i] = 0;
    }
  }
}

/** The reading side: sums the blocks of all workers. */
export class CounterReader {
  /** What workers that are gone had counted, so that no count goes backwards. */
  #gone: Block | undefined;
  /** Theirs that are being added to that. */
  readonly #leaving = new Set<Block>();
  readonly #blocks = new Map<SharedArrayBuffer, Block>();

  add(block: SharedArrayBuffer): void {
    this.#blocks.set(block, new Block(block));
  }

  /**
   * Its worker is gone: the counts stay, what was open or under way is not any more. `onLeft` is told how many requests to
   * a route or an instance it left.
   */
  retire(block: SharedArrayBuffer, onLeft: (slot: number, inFlight: number) => void = () => {}): void {
    const left = this.#blocks.get(block);
    if (left === undefined) return;
    this.#blocks.delete(block);
    end(left.cells, 0);
    for (let slot = 0; slot < SLOTS; slot++) {
      if (!left.has(slot)) continue;
      const at = cellsOf(slot);
      const inFlight = left.cells[at + IN_FLIGHT]!;
      if (inFlight !== 0) onLeft(slot, inFlight);
      end(left.cells, at);
    }
    if (this.#gone === undefined) this.#gone = left;
    else this.#takeOver(this.#gone, left);
  }

  /** Thousands of slots in turns: whatever is read meanwhile, each count is in one block or in the other. */
  #takeOver(gone: Block, left: Block): void {
    gone.takeOverall(left);
    const places = left.marked();
    if (places.length === 0) return;
    this.#leaving.add(left);
    const last = places[places.length - 1];
    inTurns(places, (place) => {
      gone.take(left, place);
      if (place === last) this.#leaving.delete(left);
    });
  }

  overall(): Tally {
    return this.#tally(0);
  }

  /** A route's or an instance's. */
  slot(slot: number): Tally {
    return this.#tally(cellsOf(known(slot)));
  }

  /** Answers by status code, those that there were. */
  codes(): CodeTally[] {
    const tallies: CodeTally[] = [];
    for (let code = 0; code < CODES; code++) {
      const blocks = this.#all().filter((block) => block.hasCode(code));
      if (blocks.length === 0) continue;
      const at = codeCellsOf(code);
      const sum = (cell: number) => blocks.reduce((total, { cells }) => total + cells[at + cell]!, 0);
      const histogram = Array.from({ length: BUCKETS }, (_, bucket) => sum(CODE_BUCKETS + bucket));
      const answered = histogram.reduce((a, b) => a + b, 0);
      const own = sum(CODE_OWN);
      if (answered + own > 0) tallies.push({ status: code + 100, own, time: sum(CODE_TIME), histogram });
    }
    return tallies;
  }

  /** One number of a route or an instance: much cheaper than all of them. */
  field(slot: number, field: number): number {
    const at = cellsOf(known(slot)) + field;
    let sum = this.#gone?.cells[at] ?? 0;
    for (const { cells } of this.#leaving) sum += cells[at]!;
    for (const { cells } of this.#blocks.values()) sum += cells[at]!;
    return sum;
  }

  /** Whether no worker has a request of it under way. */
  isIdle(slot: number): boolean {
    const at = cellsOf(known(slot)) + IN_FLIGHT;
    for (const { cells } of this.#blocks.values()) if (cells[at] !== 0) return false;
    return true;
  }

  /** Whether there was anything to count of it at all: of most instances of a large catalog there was not. */
  hasCounted(slot: number): boolean {
    const at = cellsOf(known(slot));
    return this.#all().some(({ cells }) => {
      for (let field = 0; field < FIELDS; field++) if (cells[at + field] !== 0) return true;
      return false;
    });
  }

  /** The slot gets another owner: its counts begin at zero. */
  clear(slot: number): void {
    const one = known(slot);
    const at = cellsOf(one);
    for (const block of this.#all()) if (block.has(one)) block.cells.fill(0, at, at + STRIDE);
  }

  #all(): Block[] {
    const live = [...this.#leaving, ...this.#blocks.values()];
    return this.#gone === undefined ? live : [this.#gone, ...live];
  }

  #tally(at: number): Tally {
    const blocks = this.#all();
    const sum = (field: number) => blocks.reduce((total, { cells }) => total + cells[at + field]!, 0);
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
      tunnels: sum(TUNNELS),
      notFound: sum(NOT_FOUND),
      waited: sum(WAITED),
      time: sum(TIME),
      mean: answered === 0 ? 0 : sum(TIME) / answered,
      p50: quantile(histogram, answered, 0.5),
      p99: quantile(histogram, answered, 0.99),
      histogram,
    };
  }
}
