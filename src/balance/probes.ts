import type { Clock } from '../lib/clock.ts';
import type { Target } from './balancer.ts';
import {
  connectFailed,
  EJECTION,
  type EjectionPolicy,
  isEjected,
  succeeded,
  triedAgain,
} from './ejection.ts';

export interface ProbesOptions {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Whether a TCP connect gets through. Must settle (its own timeout); a rejection counts as no. */
  readonly connect: (target: Target, signal: AbortSignal) => Promise<boolean>;
  readonly policy?: EjectionPolicy;
  /** Told when an instance is taken back, with how long (ms) it was out. */
  readonly onReturn?: (target: Target, outFor: number) => void;
}

/** Probes ejected instances until they are back or gone. One per worker. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #policy: EjectionPolicy;
  /** By state, which is unique for an instance while it is known; the value ends the wait or the connect. */
  readonly #watched = new Map<Target['state'], () => void>();

  constructor(options: ProbesOptions) {
    this.#options = options;
    this.#policy = options.policy ?? EJECTION;
  }

  /** How many instances are being probed. */
  get size(): number {
    return this.#watched.size;
  }

  /** To be called whenever an ejection may have happened; does nothing if it did not or is known. */
  watch(target: Target): void {
    if (!isEjected(target.state) || this.#watched.has(target.state)) return;
    const wait = Math.max(0, target.state.ejectedUntil - this.#options.clock.now());
    const cancel = this.#options.clock.after(wait, () => void this.#probe(target));
    this.#watched.set(target.state, cancel);
  }

  /** The instance is gone. */
  forget(state: Target['state']): void {
    this.#watched.get(state)?.();
    this.#watched.delete(state);
  }

  stop(): void {
    for (const cancel of this.#watched.values()) cancel();
    this.#watched.clear();
  }

  async #probe(target: Target): Promise<void> {
    const { state } = target;
    if (!isEjected(state)) {
      // A request of last resort got through in the meantime, or another worker's probe.
      this.#watched.delete(state);
      this.#options.onReturn?.(target, 0);
      return;
    }
    if (state.ejectedForErrors) {
      this.#watched.delete(state);
      const outFor = this.#options.clock.now() - state.ejectedAt;
      triedAgain(state, this.#policy);
      this.#options.onReturn?.(target, outFor);
      return;
    }
    const abort = new AbortController();
    const cancel = () => abort.abort();
    this.#watched.set(state, cancel);
    const isThere = await this.#options.connect(target, abort.signal).catch(() => false);
    if (this.#watched.get(state) !== cancel) return;
    this.#watched.delete(state);
    const { clock, random, onReturn } = this.#options;
    if (isThere || !isEjected(state)) {
      const outFor = state.ejectedAt === 0 ? 0 : clock.now() - state.ejectedAt;
      succeeded(state);
      onReturn?.(target, outFor);
      return;
    }
    connectFailed(state, clock.now(), random(), this.#policy);
    this.watch(target);
  }
}
