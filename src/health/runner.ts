import { messageOf } from '../errors.ts';
import { damp, newStreak, type Streak } from './damping.ts';
import { critical, type Outcome, type ProbeKind } from './kind.ts';
import type { Cancel, Schedule } from './schedule.ts';
import type { CheckSpec } from './spec.ts';

/**
 * Probes in flight at once. Bounds sockets after a restart with ten thousand checks; above it probes wait their
 * turn. Well below the usual limit of open files, far above what a second of checks needs.
 */
const MAX_IN_FLIGHT = 1000;

/**
 * Part of the interval in which the first probe happens. A new instance is wanted in the rotation at once: with an
 * interval of 1 s its first result is there after 2 ms; a check that is meant to run once an hour waits a few
 * seconds.
 */
const FIRST_PROBE_SHARE = 1 / 500;

/**
 * The same for a check that begins as passing: nobody waits for its result, and after a restart with ten thousand of
 * them they must not all run at once.
 */
const FIRST_PROBE_SHARE_PASSING = 1 / 10;

export interface RunnerOptions {
  /** In [0, 1): spreads the probes over their interval. */
  random: () => number;
  schedule: Schedule;
  /** Told each result that rise and fall let through. */
  onResult: (id: string, outcome: Outcome) => void;
  maxInFlight?: number;
}

interface Probed {
  readonly id: string;
  readonly kind: ProbeKind;
  readonly spec: CheckSpec;
  readonly outputMaxSize: number;
  /** Ends the probe in flight when the check is taken away. One for all of its probes: each signal lives until all memory is looked at. */
  readonly end: AbortController;
  removed: boolean;
  streak: Streak;
  cancel: Cancel;
  runs: number;
}

/**
 * Carries out the checks that probe. Never two probes of one check at once: the interval counts from the end of a
 * probe to the begin of the next.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #checks = new Map<string, Probed>();
  readonly #waiting: Probed[] = [];
  #inFlight = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#checks.size;
  }

  /** Begins to carry out a check; one with the same ID is replaced, and what it still finds out is dropped. */
  add(
    id: string,
    kind: ProbeKind,
    spec: CheckSpec,
    { outputMaxSize, isPassing = false }: { outputMaxSize: number; isPassing?: boolean },
  ): void {
    this.remove(id);
    const { schedule, random } = this.#options;
    const share = isPassing ? FIRST_PROBE_SHARE_PASSING : FIRST_PROBE_SHARE;
    const check: Probed = {
      id,
      kind,
      spec,
      outputMaxSize,
      end: new AbortController(),
      removed: false,
      streak: newStreak(spec),
      cancel: () => {},
      runs: 0,
    };
    this.#checks.set(id, check);
    const first = spec.interval * share * (0.5 + random() / 2);
    check.cancel = schedule.after(first, () => this.#due(check));
  }

  remove(id: string): void {
    const check = this.#checks.get(id);
    if (check === undefined) return;
    this.#checks.delete(id);
    check.cancel();
    check.removed = true;
    check.end.abort();
  }

  /** Ends all probes. */
  stop(): void {
    for (const id of [...this.#checks.keys()]) this.remove(id);
    this.#waiting.length = 0;
  }

  #due(check: Probed): void {
    this.#waiting.push(check);
    this.#next();
  }

  #next(): void {
    while (this.#inFlight < (this.#options.maxInFlight ?? MAX_IN_FLIGHT)) {
      const check = this.#waiting.shift();
      if (check === undefined) return;
      if (!check.removed) void this.#run(check);
    }
  }

  async #run(check: Probed): Promise<void> {
    const { kind, spec, outputMaxSize } = check;
    const { signal } = check.end;
    this.#inFlight++;
    let outcome: Outcome;
    try {
      outcome = await kind.probe(spec, { signal, outputMaxSize });
    } catch (error) {
      outcome = critical(messageOf(error));
    }
    this.#inFlight--;
    if (!check.removed) {
      this.#arm(check);
      this.#tell(check, outcome);
    }
    this.#next();
  }

  /** The second probe comes at a random point of the interval, so that checks made together do not stay together. */
  #arm(check: Probed): void {
    const { schedule, random } = this.#options;
    const { interval } = check.spec;
    const wait = check.runs++ === 0 ? interval * (0.5 + random() / 2) : interval;
    check.cancel = schedule.after(wait, () => this.#due(check));
  }

  #tell(check: Probed, outcome: Outcome): void {
    const { streak, status } = damp(check.streak, check.spec, outcome.status);
    check.streak = streak;
    if (status !== undefined) this.#options.onResult(check.id, { status, output: outcome.output });
  }
}
