/** From counters that only rise to what an autoscaler reads. */
import type { Reading } from './autoscale/observation.ts';
import { type Measured, SIGNALS, type SignalName } from './autoscale/signals.ts';
import { cpuByGroup } from './cpu.ts';
import type { InstanceView } from './instance.ts';
import type { Surroundings } from './surroundings.ts';

interface Sample {
  readonly at: number;
  readonly requests: number;
  /** Processor seconds; undefined: not known. */
  readonly cpu: number | undefined;
}

export class Meters {
  readonly #surroundings: Pick<Surroundings, 'traffic'>;
  readonly #before = new Map<string, Sample>();

  constructor(surroundings: Pick<Surroundings, 'traffic'>) {
    this.#surroundings = surroundings;
  }

  /** One reading for each signal, over the time since the last call; an instance seen for the first time has no rate yet. */
  read(
    now: number,
    instances: readonly InstanceView[],
    signals: readonly { readonly kind: SignalName; readonly target: number }[],
  ): Reading[] {
    const cpu = signals.some(({ kind }) => kind === 'cpu') ? cpuByGroup() : undefined;
    const measured = instances.map((instance) => this.#measure(now, instance, cpu));
    return signals.map(({ kind, target }) => ({
      signal: kind,
      target,
      values: measured.map((one) => SIGNALS[kind].read(one)),
    }));
  }

  forget(id: string): void {
    this.#before.delete(id);
  }

  #measure(now: number, instance: InstanceView, cpu: ReadonlyMap<number, number> | undefined): Measured {
    const { id, state } = instance;
    const traffic = this.#surroundings.traffic(instance);
    const pid = state.mode === 'running' ? state.pid : undefined;
    const sample: Sample = {
      at: now,
      requests: traffic?.requests ?? 0,
      cpu: pid === undefined ? undefined : cpu?.get(pid),
    };
    const before = this.#before.get(id);
    this.#before.set(id, sample);
    const seconds = before === undefined ? 0 : (now - before.at) / 1000;
    const rate = (after: number | undefined, earlier: number | undefined): number | undefined => {
      if (seconds <= 0 || after === undefined || earlier === undefined) return undefined;
      // A counter that fell began anew.
      return (after >= earlier ? after - earlier : after) / seconds;
    };
    return {
      cpu: rate(sample.cpu, before?.cpu),
      requestsPerSecond: rate(sample.requests, before?.requests),
      inFlight: traffic?.inFlight ?? 0,
    };
  }
}
