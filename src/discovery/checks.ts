import { messageOf } from '../errors.ts';
import { damp, newStreak, type Streak } from '../health/damping.ts';
import type { ProbeKind } from '../health/kind.ts';
import { Runner } from '../health/runner.ts';
import { Schedule } from '../health/schedule.ts';
import { EMPTY_SPEC } from '../health/spec.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { DiscoveredInstance } from './instance.ts';

/** How the instances of a service are checked, where the balancer does it and not a registry. */
export interface CheckPlan {
  /** Undefined for one that is not checked. */
  readonly probe: (instance: DiscoveredInstance) => ProbeKind | undefined;
  /** Milliseconds; a timeout of 0 is the probe's own. */
  readonly interval: number;
  readonly timeout: number;
  /** Results in a row that change what is known of an instance. */
  readonly fails: number;
  readonly passes: number;
  /** Whether an instance counts as well before its first result. */
  readonly startsHealthy: boolean;
  /** The first result counts at once, as nothing else is known. Default: it is one of `fails` or `passes`. */
  readonly firstCounts?: boolean;
}

export interface ChecksOptions {
  readonly plan: CheckPlan;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

interface Checked {
  streak: Streak;
  /** Why it is not well; "" when it is. */
  fault: string;
}

/** Of an answer in a log line. */
const MAX_OUTPUT = 200;

/** Active checks of one service's instances. */
export class Checks {
  readonly #options: ChecksOptions;
  /** What is known of this instance has changed. */
  readonly #onChange: (id: string) => void;
  readonly #schedule: Schedule;
  readonly #runner: Runner;
  readonly #checked = new Map<string, Checked>();

  constructor(options: ChecksOptions, onChange: (id: string) => void) {
    this.#options = options;
    this.#onChange = onChange;
    const { clock, random, log } = options;
    this.#schedule = new Schedule(clock, (error) => log.error(`a check failed: ${messageOf(error)}`));
    this.#runner = new Runner({
      random,
      schedule: this.#schedule,
      onResult: (id, { status, output }) => this.#heard(id, status, output),
    });
  }

  isHealthy(id: string): boolean {
    return (this.#checked.get(id)?.fault ?? '') === '';
  }

  /** The instance with what the checks say of it. */
  judged(instance: DiscoveredInstance): DiscoveredInstance {
    const fault = this.#checked.get(instance.id)?.fault ?? '';
    if (fault === '') return instance;
    const { drains: _, ...rest } = instance;
    return instance.out === '' ? { ...rest, out: fault, doubt: 'failing' } : rest;
  }

  add(instance: DiscoveredInstance): void {
    if (this.#checked.has(instance.id)) return;
    const { probe, interval, timeout, startsHealthy, firstCounts = false } = this.#options.plan;
    const kind = probe(instance);
    if (kind === undefined) return;
    this.#checked.set(instance.id, {
      streak: firstCounts ? newStreak(this.#thresholds) : { successes: 0, failures: 0 },
      fault: startsHealthy ? '' : 'it was not checked yet',
    });
    // Every result is wanted: rise and fall are counted here.
    const spec = { ...EMPTY_SPEC, interval, timeout };
    this.#runner.add(instance.id, kind, spec, { outputMaxSize: MAX_OUTPUT });
  }

  remove(id: string): void {
    this.#runner.remove(id);
    this.#checked.delete(id);
  }

  stop(): void {
    this.#runner.stop();
    this.#schedule.clear();
  }

  get #thresholds() {
    const { passes, fails } = this.#options.plan;
    return { successBeforePassing: passes, failuresBeforeCritical: fails, failuresBeforeWarning: 0 };
  }

  #heard(id: string, status: string, output: string): void {
    const checked = this.#checked.get(id);
    const { log } = this.#options;
    if (checked === undefined) return;
    if (status === 'warning') {
      log.warn('a check says nothing about its instance', { instance: id, output });
      return;
    }
    const damped = damp(checked.streak, this.#thresholds, status === 'passing' ? 'passing' : 'critical');
    checked.streak = damped.streak;
    if (damped.status === undefined) return;
    const wasHealthy = checked.fault === '';
    const isHealthy = damped.status === 'passing';
    if (isHealthy === wasHealthy) return;
    const why = output.slice(0, MAX_OUTPUT);
    checked.fault = isHealthy ? '' : `its check fails: ${why}`;
    if (isHealthy) log.info('instance is healthy', { instance: id });
    else log.warn('instance is not healthy', { instance: id, why });
    this.#onChange(id);
  }
}
