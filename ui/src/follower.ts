import type { Clock } from '../../src/lib/clock.ts';
import type { Answer } from './api.ts';

/** Between two questions about the same, ms: what changes all the time is asked for twice a second. */
const GAP = 500;
/** After a question that nobody or not even the agent could answer, ms: of that it could now there may be no news. */
const RETRY = 2000;

/** Asks at once, and again after news: one question at a time, and no more often than is of use. */
export class Follower<T> {
  readonly #ask: () => Promise<Answer<T>>;
  readonly #take: (answer: Answer<T>) => void;
  readonly #clock: Pick<Clock, 'after'>;
  #stage: 'asking' | 'resting' | 'idle' | 'over' = 'idle';
  #isDue = false;
  #cancel: () => void = () => {};

  /** `ask` may reject once this was stopped. */
  constructor(
    ask: () => Promise<Answer<T>>,
    take: (answer: Answer<T>) => void,
    clock: Pick<Clock, 'after'> = browserClock,
  ) {
    this.#ask = ask;
    this.#take = take;
    this.#clock = clock;
    void this.#begin();
  }

  news(): void {
    if (this.#stage === 'idle') void this.#begin();
    else this.#isDue = true;
  }

  stop(): void {
    this.#stage = 'over';
    this.#cancel();
  }

  async #begin(): Promise<void> {
    this.#stage = 'asking';
    this.#isDue = false;
    // Who rejects is stopped.
    const answer = await this.#ask().catch(() => undefined);
    if (this.#isOver() || answer === undefined) return;
    this.#take(answer);
    const isAskedAgain = answer.kind === 'refused' && (answer.status === 0 || answer.status >= 500);
    this.#stage = 'resting';
    this.#cancel = this.#clock.after(isAskedAgain ? RETRY : GAP, () => {
      if (this.#isDue || isAskedAgain) void this.#begin();
      else this.#stage = 'idle';
    });
  }

  #isOver(): boolean {
    return this.#stage === 'over';
  }
}

const browserClock: Pick<Clock, 'after'> = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
