/** Chooses which instances of a group are replaced because they fail, and keeps when that was done. */
import type { Logger } from '../lib/log.ts';
import type { Member } from './crew.ts';
import { type HealPolicy, heal } from './heal.ts';

export class Healing {
  readonly #logger: Logger;
  #healed: number[] = [];
  #held = '';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Why others that would be due are left alone; "" when there are none. */
  get held(): string {
    return this.#held;
  }

  /** Those that are to go now; they count as replaced. */
  choose(now: number, present: readonly Member[], policy: HealPolicy | undefined): Member[] {
    if (policy === undefined) {
      this.#held = '';
      return [];
    }
    this.#healed = this.#healed.filter((at) => now - at < policy.window);
    const { replace, held } = heal(
      now,
      present.map(({ instance, failingSince }) => ({
        id: instance.id,
        startedAt: instance.addedAt,
        failingSince,
      })),
      this.#healed,
      policy,
    );
    if (held !== '' && held !== this.#held) this.#logger.warn(held);
    this.#held = held;
    const chosen = present.filter(({ instance }) => replace.includes(instance.id));
    for (const { instance } of chosen) {
      this.#healed.push(now);
      this.#logger.warn(`${instance.name} is replaced: its checks have failed for too long`);
    }
    return chosen;
  }
}
