import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';

type Step = () => void | Promise<void>;

/**
 * What has to be undone when the agent stops, or when its start fails half-way: in the reverse order, every step, also
 * after one that failed. Idempotent.
 */
export class Teardown {
  readonly #steps: { what: string; step: Step }[] = [];
  readonly #logger: Logger;
  #running: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(what: string, step: Step): void {
    this.#steps.push({ what, step });
  }

  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (const { what, step } of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        this.#logger.error(`could not stop ${what}: ${messageOf(error)}`);
      }
    }
  }
}
