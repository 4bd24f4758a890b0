/** From counters that only rise to what an autoscaler reads. */
import type { Reading } from './autoscale/observation.ts';
import {
  type Measured,
  type MetricSource,
  onlyGrows,
  SIGNALS,
  type SignalSpec,
} from './autoscale/signals.ts';
import { type CpuReader, cpuReader } from './cpu.ts';
import type { InstanceView } from './instance.ts';
import type { Surroundings } from './surroundings.ts';

/** Numbers that come from elsewhere than the balancer and the system. */
export interface MetricReader {
  /** For sentences. */
  nameOf(source: MetricSource): string;
  /** Whether it is one number for the group, not one for each instance. */
  isOfGroup(source: MetricSource): boolean;
  ofGroup(source: MetricSource): number | undefined;
  of(source: MetricSource, instance: InstanceView): number | undefined;
}

const NO_METRICS: MetricReader = {
  nameOf: ({ kind }) => kind,
  isOfGroup: () => true,
  ofGroup: () => undefined,
  of: () => undefined,
};

interface Sample {
  readonly at: number;
  readonly requests: number;
  /** Milliseconds that requests waited in all. */
  readonly waited: number | undefined;
  /** Processor seconds; undefined: not known. */
  readonly cpu: number | undefined;
}

export class Meters {
  readonly #surroundings: Pick<Surroundings, 'traffic'>;
  readonly #metrics: MetricReader;
  readonly #before = new Map<string, Sample>();

  constructor(surroundings: Pick<Surroundings, 'traffic'>, metrics: MetricReader = NO_METRICS) {
    this.#surroundings = surroundings;
    this.#metrics = metrics;
  }

  /** One reading for each signal, over the time since the last call; an instance seen for the first time has no rate yet. */
  read(now: number, instances: readonly InstanceView[], signals: readonly SignalSpec[]): Reading[] {
    const cpu = signals.some(({ kind }) => kind === 'cpu') ? cpuReader() : undefined;
    const measured = instances.map((instance) => this.#measure(now, instance, cpu));
    return signals.map((spec) => {
      const { kind, target, source } = spec;
      if (source !== undefined) {
        const signal = this.#metrics.nameOf(source);
        if (this.#metrics.isOfGroup(source))
          return { signal, target, values: [], ofGroup: { value: this.#metrics.ofGroup(source) } };
        return { signal, target, values: instances.map((one) => this.#metrics.of(source, one)) };
      }
      const values = measured.map((one) => SIGNALS[kind].read(one));
      return { signal: kind, target, values, onlyGrows: onlyGrows(kind) };
    });
  }

  forget(id: string): void {
    this.#before.delete(id);
  }

  #measure(now: number, instance: InstanceView, cpu: CpuReader | undefined): Measured {
    const { id, state } = instance;
    const traffic = this.#surroundings.traffic(instance);
    const pid = state.mode === 'running' ? state.pid : undefined;
    const sample: Sample = {
      at: now,
      requests: traffic?.requests ?? 0,
      waited: traffic?.waited,
      cpu: instance.node === undefined ? pid && cpu?.(id, pid) : instance.cpuSeconds,
    };
    const before = this.#before.get(id);
    this.#before.set(id, sample);
    const seconds = before === undefined ? 0 : (now - before.at) / 1000;
    const rate = (after: number | undefined, earlier: number | undefined): number | undefined => {
      if (seconds <= 0 || after === undefined || earlier === undefined) return undefined;
      // A counter that fell began anew.
      return (after >= earlier ? after - earlier : after) / seconds;
    };
    const requestsPerSecond = rate(sample.requests, before?.requests);
    const waited = rate(sample.waited, before?.waited);
    return {
      cpu: rate(sample.cpu, before?.cpu),
      requestsPerSecond,
      inFlight: traffic?.inFlight ?? 0,
      connections: traffic?.connections,
      queueWait: requestsPerSecond === 0 ? 0 : waited && requestsPerSecond && waited / requestsPerSecond,
      metric: undefined,
    };
  }
}
