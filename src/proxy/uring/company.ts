import { CONTENT_AFTER } from './ring.ts';
import { Trial } from './trial.ts';

/** So many completions are company: fewer in a turn, or fewer in the time that is waited at most, and somebody would wait for nobody. */
const COMPANY = 4;
/** Waited for at most. */
const MOST_AWAITED = 32;
/**
 * Turns may be short only because none waits: where one is to begin with it, as many are taken for the mean, and it stays there if they come.
 * A request alone is held up by that for a few turns of thousands.
 */
const INVITED = COMPANY + 1;
/** Turns that are looked back at, as means that forget. */
const LOOK_BACK = 16;

/**
 * Whether it is worth it that a turn waits for several completions: clients and upstreams are woken together then, and go on while the next ones
 * gather; but nobody is answered meanwhile, and where they do not come that fast all of them wait (docs/decisions/0107). What waking costs is a
 * matter of the machine, so it is tried (docs/decisions/0108). Hot path.
 */
export class Company {
  readonly #trial: Trial;
  /** Of the last `LOOK_BACK` turns since there was a newcomer. */
  #completions = 0;
  /** How long these turns were in all, ms. */
  #time = 0;

  /** `threadTime`: processor time of this thread, µs. */
  constructor(threadTime: () => number) {
    this.#trial = new Trial(threadTime);
  }

  /** A connection was accepted: a request on one of its own takes so many turns that waiting costs more than it saves. */
  newcomer(): void {
    this.#completions = 0;
  }

  /** For how many completions the next turn is to wait; 0: the first one is enough. */
  get awaited(): number {
    if (!this.#trial.isOn) return 0;
    const completions = this.#completions;
    if (completions <= COMPANY * LOOK_BACK) return 0;
    if (completions * CONTENT_AFTER < COMPANY * this.#time * 1_000) return 0;
    return Math.min(Math.round((2 * completions) / LOOK_BACK), MOST_AWAITED);
  }

  /** A turn brought so many, `ms` after the one before. */
  came(completions: number, ms: number): void {
    this.#completions += completions - this.#completions / LOOK_BACK;
    this.#time += ms - this.#time / LOOK_BACK;
    const { isOn } = this.#trial;
    this.#trial.came(completions, ms);
    if (!isOn && this.#trial.isOn) this.#completions = Math.max(this.#completions, INVITED * LOOK_BACK);
  }
}
