/** Time as a parameter. Production passes `systemClock`; tests pass a `ManualClock` and never sleep. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `task` once after `ms`; the answer cancels it. Does not keep the process alive. */
  after(ms: number, task: () => void): () => void;
}

/** Resolves after `ms`. */
export function pause(clock: Pick<Clock, 'after'>, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** Node runs a timer at once that is to wait for longer than 2^31 - 1 ms (24.8 days). */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    let timer: NodeJS.Timeout;
    const arm = (left: number) => {
      timer =
        left > LONGEST ? setTimeout(() => arm(left - LONGEST), LONGEST) : setTimeout(task, Math.max(0, left));
      // A number in browsers, where nothing is kept alive by it.
      timer.unref?.();
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** For how long ago something was: nobody sets it, as they do the time of day. That is where it begins. */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => Math.round(performance.timeOrigin + performance.now()),
};

/** What to measure with how long something takes or may take, where `clock` says what time it is. */
export function steady(clock: Clock): Clock {
  return clock === systemClock ? steadyClock : clock;
}

/** Unlike the system clock this one keeps the process alive: for programs that have nothing else to wait for. */
export const wakefulClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** A clock that moves only when told to. Tasks run in the order of their time. */
export class ManualClock implements Clock {
  #now: number;
  #tasks: { at: number; task: () => void }[] = [];

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#tasks.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#tasks = this.#tasks.filter((entry) => entry !== due);
      this.#now = due.at;
      due.task();
    }
    this.#now = end;
  }
}
