import { Heat } from './heat.ts';
import { NOTHING_YET, type RateState, ratesBetween, sumCounters } from './rates.ts';
import type { Counters, TrafficSource } from './traffic.ts';
import { type HistoryPoint, MAX_TARGET_HISTORY, TARGET_STEP, type TrafficView, trafficKey } from './wire.ts';
import type { HeatMap } from './wire-answers.ts';

/** Targets whose history is kept: 60 points of each are about 5 kB. The others show live figures only. */
const MAX_HISTORIES = 2000;

/** Turns the counters of a traffic source into rates, and remembers the last five minutes of each target. */
export class Meter {
  readonly #source: TrafficSource;
  #states = new Map<string, RateState>();
  #sampledAt: number | undefined;
  #stepAt = 0;
  readonly #histories = new Map<string, HistoryPoint[]>();
  readonly #heat: Heat;

  constructor(source: TrafficSource) {
    this.#source = source;
    this.#heat = new Heat(source.latencyBounds);
  }

  /** Figures of every scope since the last call. `now` in ms since the epoch. */
  sample(now: number): TrafficView[] {
    const isFirst = this.#sampledAt === undefined;
    const seconds = this.#sampledAt === undefined ? 0 : (now - this.#sampledAt) / 1000;
    this.#sampledAt = now;
    const { overall, routes, targets } = this.#source.sample();
    const scopes = new Map<string, Counters>([[trafficKey.overall, overall]]);
    for (const route of routes) scopes.set(trafficKey.route(route.key), route);
    const byService = new Map<string, Counters[]>();
    for (const target of targets) {
      scopes.set(trafficKey.target(target.service, target.address), target);
      const key = trafficKey.service(target.service);
      const list = byService.get(key);
      if (list === undefined) byService.set(key, [target]);
      else list.push(target);
    }
    for (const [key, list] of byService) scopes.set(key, sumCounters(list));

    const states = new Map<string, RateState>();
    const views: TrafficView[] = [];
    for (const [key, counters] of scopes) {
      // What comes later had counted nothing until then.
      const before = this.#states.get(key) ?? (isFirst ? undefined : NOTHING_YET);
      const { rates, state } = ratesBetween(before, counters, seconds, this.#source.latencyBounds);
      states.set(key, state);
      views.push({ key, ...rates });
    }
    this.#states = states;
    this.#remember(now, views, scopes);
    return views;
  }

  /** When the last step ended, ms since the epoch. */
  get steppedAt(): number {
    return this.#stepAt;
  }

  /** Oldest first, a point every `TARGET_STEP`. */
  history(service: string, address: string): readonly HistoryPoint[] {
    return this.#histories.get(trafficKey.target(service, address)) ?? [];
  }

  /** How long the answers of everything ("") or of a service took. */
  heat(service: string): HeatMap {
    return this.#heat.map(service === '' ? trafficKey.overall : trafficKey.service(service), TARGET_STEP);
  }

  #remember(now: number, views: readonly TrafficView[], scopes: ReadonlyMap<string, Counters>): void {
    if (now - this.#stepAt < TARGET_STEP) return;
    this.#stepAt = now;
    this.#heat.step(now, new Map([...scopes].filter(([key]) => isHeated(key))));
    for (const key of this.#histories.keys()) if (!this.#states.has(key)) this.#histories.delete(key);
    for (const { key, requests, errors, p50, p99 } of views) {
      if (!key.startsWith('target ')) continue;
      let history = this.#histories.get(key);
      if (history === undefined) {
        if (this.#histories.size >= MAX_HISTORIES) continue;
        history = [];
        this.#histories.set(key, history);
      }
      history.push({ at: now, requests, errors, p50, p99 });
      if (history.length > MAX_TARGET_HISTORY) history.shift();
    }
  }
}

function isHeated(key: string): boolean {
  return key === trafficKey.overall || key.startsWith('service ');
}
