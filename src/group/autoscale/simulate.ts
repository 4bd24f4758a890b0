/** A group under a load trace: the autoscaler of production, instances that start, carry and refuse as numbers. */
import type { Autoscaler, Decision } from './autoscaler.ts';
import type { ObservedInstance, Reading } from './observation.ts';
import { type Measured, onlyGrows, SIGNALS, type SignalSpec } from './signals.ts';
import type { Trace } from './trace.ts';

export interface SimulationOptions {
  readonly trace: Trace;
  readonly autoscaler: Autoscaler;
  /** Of a `metric` the trace has the value. */
  readonly signals: readonly SignalSpec[];
  /** Between two decisions, ms. */
  readonly interval: number;
  /** Units of work (requests) a second that one instance is able to do, with one core; what is beyond is refused. */
  readonly capacity: number;
  /** From the start of an instance until it takes traffic, ms. */
  readonly boot: number;
  /** How long a unit of work takes, ms. */
  readonly work: number;
  /** How many instances there are at the beginning, all ready. */
  readonly size: number;
}

/** The group during one interval. */
export interface SimulationStep {
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** Units of work a second. */
  readonly load: number;
  readonly size: number;
  readonly ready: number;
  /** Units of work, of the whole interval. */
  readonly refused: number;
}

export interface Simulation {
  readonly steps: readonly SimulationStep[];
  /** Those that changed the size. */
  readonly decisions: readonly Decision[];
  /** Units of work in all. */
  readonly offered: number;
  readonly refused: number;
  readonly instanceHours: number;
  readonly smallest: number;
  readonly largest: number;
}

export function simulate(options: SimulationOptions): Simulation {
  const { trace, autoscaler, signals, interval, capacity, boot, work } = options;
  const { points, start } = trace;
  // What is there at the beginning has long been up.
  let instances: number[] = Array.from({ length: options.size }, () => start - 24 * 3_600_000);
  const steps: SimulationStep[] = [];
  const decisions: Decision[] = [];
  const totals = { offered: 0, refused: 0, instanceHours: 0, smallest: Number.POSITIVE_INFINITY, largest: 0 };
  const seconds = interval / 1000;
  const end = points.at(-1)!.at;
  let point = 0;
  for (let at = 0; at <= end; at += interval) {
    while (points[point + 1] !== undefined && points[point + 1]!.at <= at) point++;
    const { load, carried } = points[point]!;
    const now = start + at;
    const observed: ObservedInstance[] = instances.map((startedAt) => ({
      startedAt,
      ready: now - startedAt >= boot,
    }));
    const ready = observed.filter((instance) => instance.ready).length;
    const each = ready === 0 ? 0 : Math.min(capacity, load / ready);
    const refused = Math.max(0, load - ready * capacity) * seconds;
    const size = instances.length;
    steps.push({ at, load, size, ready, refused });
    totals.offered += load * seconds;
    totals.refused += refused;
    totals.instanceHours += (size * interval) / 3_600_000;
    totals.smallest = Math.min(totals.smallest, size);
    totals.largest = Math.max(totals.largest, size);

    const busy: Measured = {
      cpu: each / capacity,
      requestsPerSecond: each,
      inFlight: (each * work) / 1000,
      connections: (each * work) / 1000,
      // Who is full lets the next one wait for at least as long as a unit takes.
      queueWait: refused > 0 ? work : 0,
      metric: undefined,
    };
    const readings = signals.map(({ kind, target }): Reading => {
      if (kind === 'metric') return { signal: kind, target, values: [], ofGroup: { value: load } };
      const known = carried?.[kind];
      const value = known === undefined ? SIGNALS[kind].read(busy) : known / Math.max(1, ready);
      const values = observed.map((instance) => (instance.ready ? value : 0));
      return { signal: kind, target, values, onlyGrows: onlyGrows(kind) };
    });
    const decision = autoscaler.decide({ now, size, instances: observed, readings });
    if (decision.size === size) continue;
    decisions.push(decision);
    // The oldest stay: they are warm.
    instances = instances.slice(0, decision.size);
    while (instances.length < decision.size) instances.push(now);
  }
  return { steps, decisions, ...totals };
}

/** Steps that share one column of a drawing. */
export interface Column {
  /** Milliseconds since the beginning. */
  readonly at: number;
  /** What was highest in them; of `ready` what was lowest. */
  readonly load: number;
  readonly size: number;
  readonly ready: number;
  /** Units of work, of all of them together. */
  readonly refused: number;
}

/** As many columns as there are steps, `width` at most. */
export function columnsOf(steps: readonly SimulationStep[], width: number): Column[] {
  const columns: Column[] = [];
  const wide = Math.min(width, steps.length);
  for (let column = 0; column < wide; column++) {
    const from = Math.floor((column * steps.length) / wide);
    const part = steps.slice(from, Math.max(from + 1, Math.floor(((column + 1) * steps.length) / wide)));
    columns.push({
      at: part[0]!.at,
      load: Math.max(...part.map(({ load }) => load)),
      size: Math.max(...part.map(({ size }) => size)),
      ready: Math.min(...part.map(({ ready }) => ready)),
      refused: part.reduce((sum, { refused }) => sum + refused, 0),
    });
  }
  return columns;
}
