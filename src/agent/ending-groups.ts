import { messageOf } from '../errors.ts';
import type { GroupController } from '../group/controller.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** How often it is looked whether a group may go, ms. */
const LOOK = 250;

interface Ending {
  readonly controller: GroupController;
  /** `waiting`: for those that serve the same in its place. */
  mode: 'waiting' | 'going' | 'kept';
  ended: Promise<void>;
}

/** Groups that the configuration has no more, until their instances are gone. */
export class EndingGroups {
  readonly #clock: Clock;
  readonly #loggerOf: (group: string) => Logger;
  readonly #all = new Map<string, Ending>();
  #isStopped = false;

  constructor(clock: Clock, loggerOf: (group: string) => Logger) {
    this.#clock = clock;
    this.#loggerOf = loggerOf;
  }

  /** Ends a group once `mayGo` says so, beside all else: who is in the midst of a request may take its time. */
  add(controller: GroupController, mayGo: () => boolean): void {
    const { name } = controller;
    const logger = this.#loggerOf(name);
    logger.info('is not in the configuration any more: its instances are ended');
    const one: Ending = { controller, mode: 'waiting', ended: Promise.resolve() };
    this.#all.set(name, one);
    one.ended = this.#end(one, mayGo)
      .catch((error: unknown) => logger.error(`cannot be ended: ${messageOf(error)}`))
      .finally(() => {
        if (this.#all.get(name) === one) this.#all.delete(name);
      });
  }

  /** Gives back the group of this name when it has not begun to go. */
  keep(name: string): GroupController | undefined {
    const one = this.#all.get(name);
    if (one?.mode !== 'waiting') return undefined;
    one.mode = 'kept';
    this.#all.delete(name);
    return one.controller;
  }

  /** Resolves once no group of this name is here. */
  async gone(name: string): Promise<void> {
    await this.#all.get(name)?.ended;
  }

  /** Waits for none any more. Resolves once all are gone, or released. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#all.values()].map(({ ended }) => ended));
  }

  kill(): void {
    for (const { controller } of this.#all.values()) controller.kill();
  }

  async #end(one: Ending, mayGo: () => boolean): Promise<void> {
    while (one.mode === 'waiting' && !this.#isStopped && !mayGo()) await pause(this.#clock, LOOK);
    if (one.mode === 'kept') return;
    one.mode = 'going';
    await (this.#isStopped ? one.controller.release() : one.controller.dissolve());
  }
}
