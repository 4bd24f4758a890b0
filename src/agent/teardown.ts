import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';

/** `why`: the agent ends, or another process goes on with what it did. */
type Step = (why: 'end' | 'yield') => void | Promise<void>;

/** What a step ends: something that only one process can do, or the service of clients, which goes on until they are gone. */
type Part = 'state' | 'service';

/**
 * What has to be undone when the agent stops, or when its start fails half-way: in the reverse order, every step, also
 * after one that failed. Idempotent.
 */
export class Teardown {
  readonly #steps: { what: string; step: Step; part: Part }[] = [];
  readonly #logger: Logger;
  #running: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(what: string, step: Step, part: Part = 'state'): void {
    this.#steps.push({ what, step, part });
  }

  run(): Promise<void> {
    this.#running ??= this.#run('end', () => true);
    return this.#running;
  }

  /** All but the service of clients. */
  yield(): Promise<void> {
    return this.#run('yield', ({ part }) => part === 'state');
  }

  async #run(why: 'end' | 'yield', isMeant: (step: { part: Part }) => boolean): Promise<void> {
    const steps = this.#steps.filter(isMeant);
    const rest = this.#steps.filter((step) => !isMeant(step));
    this.#steps.splice(0, this.#steps.length, ...rest);
    for (const { what, step } of steps.toReversed()) {
      try {
        await step(why);
      } catch (error) {
        this.#logger.error(`could not stop ${what}: ${messageOf(error)}`);
      }
    }
  }
}
