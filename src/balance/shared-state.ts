/** What all workers know of an instance: in shared memory, so that load, limits and ejections hold across cores. */
import type { TargetState } from './balancer.ts';

const FAILURES = 0;
const EJECTIONS = 1;
const EJECTED_AT = 2;
const EJECTED_UNTIL = 3;
const ERRORS = 4;
const EJECTED_FOR_ERRORS = 5;
const RETURNED_AT = 6;
const FIELDS = 7;

/** Cells of the shared states, by the slots of the instances. */
export class StateCells {
  readonly shared: SharedArrayBuffer;
  readonly inFlight: Int32Array;
  /** Ejections are rare and told apart by nothing: two workers that write at once agree anyway. Aligned doubles do not tear. */
  readonly ejection: Float64Array;

  /** `shared`: as another thread made it. */
  constructor(slots: number, shared = new SharedArrayBuffer(slots * (FIELDS * 8 + 4))) {
    this.shared = shared;
    this.ejection = new Float64Array(shared, 0, slots * FIELDS);
    this.inFlight = new Int32Array(shared, slots * FIELDS * 8, slots);
  }

  /** A worker died and left so many requests to the instance. */
  left(slot: number, inFlight: number): void {
    Atomics.sub(this.inFlight, slot, inFlight);
  }

  /** The instance is no longer ejected: for a worker that did it and cannot take it back itself. */
  pardon(slot: number): void {
    this.ejection.fill(0, slot * FIELDS, (slot + 1) * FIELDS);
  }
}

export class SharedState implements TargetState {
  bytes = 0;
  bandwidth = 0;
  latency = 0;
  readonly #cells: StateCells;
  readonly #slot: number;
  readonly #at: number;
  /** In flight when this thread looked for the last time. */
  #seen = 0;

  constructor(cells: StateCells, slot: number) {
    this.#cells = cells;
    this.#slot = slot;
    this.#at = slot * FIELDS;
  }

  /** Of all workers together. */
  get inFlight(): number {
    // A plain read: it may be a moment old either way.
    this.#seen = this.#cells.inFlight[this.#slot]!;
    return this.#seen;
  }

  /** For `++` and `--`: what is added to the number read just before is added to the common one, whatever others did meanwhile. */
  set inFlight(value: number) {
    Atomics.add(this.#cells.inFlight, this.#slot, value - this.#seen);
  }

  get failures(): number {
    return this.#cells.ejection[this.#at + FAILURES]!;
  }

  set failures(value: number) {
    this.#cells.ejection[this.#at + FAILURES] = value;
  }

  get errors(): number {
    return this.#cells.ejection[this.#at + ERRORS]!;
  }

  set errors(value: number) {
    this.#cells.ejection[this.#at + ERRORS] = value;
  }

  get ejectedForErrors(): boolean {
    return this.#cells.ejection[this.#at + EJECTED_FOR_ERRORS] !== 0;
  }

  set ejectedForErrors(value: boolean) {
    this.#cells.ejection[this.#at + EJECTED_FOR_ERRORS] = Number(value);
  }

  get returnedAt(): number {
    return this.#cells.ejection[this.#at + RETURNED_AT]!;
  }

  set returnedAt(value: number) {
    this.#cells.ejection[this.#at + RETURNED_AT] = value;
  }

  get ejections(): number {
    return this.#cells.ejection[this.#at + EJECTIONS]!;
  }

  set ejections(value: number) {
    this.#cells.ejection[this.#at + EJECTIONS] = value;
  }

  get ejectedAt(): number {
    return this.#cells.ejection[this.#at + EJECTED_AT]!;
  }

  set ejectedAt(value: number) {
    this.#cells.ejection[this.#at + EJECTED_AT] = value;
  }

  get ejectedUntil(): number {
    return this.#cells.ejection[this.#at + EJECTED_UNTIL]!;
  }

  set ejectedUntil(value: number) {
    this.#cells.ejection[this.#at + EJECTED_UNTIL] = value;
  }
}
