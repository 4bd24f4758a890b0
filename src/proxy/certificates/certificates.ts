import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { ChallengeBoard } from '../acme/client.ts';
import type { StoreSpec } from '../tls/spec.ts';
import { Collector } from './collector.ts';
import type { SourceOptions } from './kinds.ts';

export interface CertificatesOptions {
  /** Sources by the name of the store that they fill. */
  readonly stores: ReadonlyMap<string, readonly SourceOptions[]>;
  readonly catalog?: Catalog | undefined;
  readonly challenges?: ChallengeBoard | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a store holds from now on. */
  readonly publish: (store: string, spec: StoreSpec) => void;
}

/** The certificates of a balancer: every store followed. */
export class Certificates {
  readonly #clock: Clock;
  readonly #collectors: readonly Collector[];
  readonly #ready: Promise<unknown>;

  constructor({ stores, publish, clock, ...rest }: CertificatesOptions) {
    this.#clock = clock;
    const firsts: Promise<void>[] = [];
    this.#collectors = [...stores].map(([name, sources]) => {
      let first = () => {};
      firsts.push(
        new Promise((resolve) => {
          first = resolve;
        }),
      );
      return new Collector({
        ...rest,
        sources,
        clock,
        publish(spec) {
          publish(name, spec);
          first();
        },
      });
    });
    this.#ready = Promise.all(firsts);
  }

  /** Resolves when every store has been filled for the first time, or after `patience` ms. */
  async ready(patience: number): Promise<void> {
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(patience, resolve);
    });
    await Promise.race([this.#ready, late]);
    cancel();
  }

  /** What is wrong at the moment, each with its place. */
  get problems(): string[] {
    return this.#collectors.flatMap(({ problems }) => problems);
  }

  stop(): void {
    for (const collector of this.#collectors) collector.stop();
  }
}
