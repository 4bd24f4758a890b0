import type { DiscoveredInstance } from '../../discovery/instance.ts';
import { messageOf } from '../../errors.ts';
import { damp, type Streak } from '../../health/damping.ts';
import { Runner } from '../../health/runner.ts';
import { Schedule } from '../../health/schedule.ts';
import { EMPTY_SPEC } from '../../health/spec.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { CheckPlan } from './plan.ts';

export interface ChecksOptions {
  readonly plan: CheckPlan;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** What is known of an instance has changed. */
  readonly onChange: () => void;
}

interface Checked {
  streak: Streak;
  isHealthy: boolean;
}

/** Of an answer in a log line. */
const MAX_OUTPUT = 200;

/** Active checks of one service's instances. */
export class Checks {
  readonly #options: ChecksOptions;
  readonly #schedule: Schedule;
  readonly #runner: Runner;
  readonly #checked = new Map<string, Checked>();

  constructor(options: ChecksOptions) {
    this.#options = options;
    const { clock, random, log } = options;
    this.#schedule = new Schedule(clock, (error) => log.error(`a check failed: ${messageOf(error)}`));
    this.#runner = new Runner({
      random,
      schedule: this.#schedule,
      onResult: (id, { status, output }) => this.#heard(id, status, output),
    });
  }

  isHealthy(id: string): boolean {
    return this.#checked.get(id)?.isHealthy ?? this.#options.plan.startsHealthy;
  }

  add(instance: DiscoveredInstance): void {
    if (this.#checked.has(instance.id)) return;
    const { probe, interval, timeout, startsHealthy } = this.#options.plan;
    this.#checked.set(instance.id, { streak: { successes: 0, failures: 0 }, isHealthy: startsHealthy });
    // Every result is wanted: rise and fall begin at 0 here, where those of registered checks count their first result at once.
    const spec = { ...EMPTY_SPEC, interval, timeout };
    this.#runner.add(instance.id, probe(instance), spec, { outputMaxSize: MAX_OUTPUT });
  }

  remove(id: string): void {
    this.#runner.remove(id);
    this.#checked.delete(id);
  }

  stop(): void {
    this.#runner.stop();
    this.#schedule.clear();
  }

  #heard(id: string, status: string, output: string): void {
    const checked = this.#checked.get(id);
    const { plan, log, onChange } = this.#options;
    if (checked === undefined) return;
    if (status === 'warning') {
      log.warn('a check says nothing about its instance', { instance: id, output });
      return;
    }
    const thresholds = {
      successBeforePassing: plan.passes,
      failuresBeforeCritical: plan.fails,
      failuresBeforeWarning: 0,
    };
    const damped = damp(checked.streak, thresholds, status === 'passing' ? 'passing' : 'critical');
    checked.streak = damped.streak;
    const isHealthy = damped.status === undefined ? checked.isHealthy : damped.status === 'passing';
    if (isHealthy === checked.isHealthy) return;
    checked.isHealthy = isHealthy;
    if (isHealthy) log.info('instance is healthy', { instance: id });
    else log.warn('instance is not healthy', { instance: id, why: output.slice(0, MAX_OUTPUT) });
    onChange();
  }
}
