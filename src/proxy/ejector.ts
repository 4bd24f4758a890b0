import type { Target, TargetState } from '../balance/balancer.ts';
import {
  answeredWithError,
  connectFailed,
  connectionCut,
  isEjected,
  succeeded,
} from '../balance/ejection.ts';
import { Probes } from '../balance/probes.ts';
import type { Clock } from '../lib/clock.ts';
import type { Outcomes } from './http1/engine.ts';

/** An instance that gets no traffic because the traffic failed. */
export interface Ejection {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Of its counters and its shared state. */
  readonly slot: number;
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface EjectorOptions {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Whether a TCP connect gets through. */
  connect: (target: Target, signal: AbortSignal) => Promise<boolean>;
  onEjected: (ejection: Ejection) => void;
  onReturned: (id: string) => void;
}

/** Turns what the traffic says about instances into ejections, and tells of them. */
export class Ejector implements Outcomes {
  readonly #options: EjectorOptions;
  readonly #probes: Probes;
  readonly #ejected = new Map<TargetState, string>();

  constructor(options: EjectorOptions) {
    this.#options = options;
    const { clock, random, connect } = options;
    this.#probes = new Probes({ clock, random, connect, onReturn: (target) => this.#return(target.state) });
  }

  connectFailed(target: Target, why: string): void {
    connectFailed(target.state, this.#options.clock.now(), this.#options.random());
    this.#follow(target, why);
  }

  cut(target: Target): void {
    connectionCut(target.state, this.#options.clock.now(), this.#options.random());
    this.#follow(target, 'connections cut before the response');
  }

  /** Hot path: called for every response. */
  answered(target: Target): void {
    const { state } = target;
    if (state.failures === 0 && state.errors === 0 && state.ejectedUntil === 0) return;
    succeeded(state);
    this.#return(state);
  }

  erred(target: Target, status: number, peers: readonly Target[]): void {
    answeredWithError(target.state, this.#options.clock.now(), this.#options.random(), peers);
    this.#follow(target, `answers ${status}, again and again`);
  }

  /** Nothing leads to the instance any more. */
  forget(state: TargetState): void {
    this.#probes.forget(state);
    this.#return(state);
  }

  stop(): void {
    this.#probes.stop();
  }

  #follow(target: Target, why: string): void {
    const { id, host, port, slot, state } = target;
    if (!isEjected(state)) return;
    this.#probes.watch(target);
    if (this.#ejected.has(state)) return;
    this.#ejected.set(state, id);
    this.#options.onEjected({ id, host, port, slot, why, since: state.ejectedAt });
  }

  #return(state: TargetState): void {
    const id = this.#ejected.get(state);
    if (id === undefined) return;
    this.#ejected.delete(state);
    state.returnedAt = this.#options.clock.now();
    this.#options.onReturned(id);
  }
}
