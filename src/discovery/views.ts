import type { Consistency, ReadOptions, Watch } from '../client/index.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep } from '../lib/clock.ts';

/** How a registry is asked. */
export interface AskOptions {
  readonly consistency: Consistency;
  /** Milliseconds between two questions; 0: the registry answers with the next change. */
  readonly interval: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told of each question that failed; it is asked again by itself. */
  readonly onTrouble: (error: unknown) => void;
}

/** One thing that can be asked once or watched. */
export interface Question<T> {
  once(options: ReadOptions): Promise<T>;
  watch(options: ReadOptions & { onTrouble: (error: unknown) => void }): Watch<T>;
}

/** After failures; and a refusal (a token that may not) may be mended by somebody. */
const RETRY: BackoffPolicy = { base: 250, max: 5_000 };

/**
 * Tells every view of something in a registry until `signal` is aborted. The last one stays while the registry is
 * away; it is never told that there is nothing because nobody answered.
 */
export async function followViews<T>(
  question: Question<T>,
  onView: (view: T) => void,
  { consistency, interval, clock, random, onTrouble }: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      if (interval > 0) {
        onView(await question.once({ consistency, signal }));
        failures = 0;
        await sleep(clock, interval, signal);
      } else
        for await (const view of question.watch({ consistency, signal, onTrouble })) {
          failures = 0;
          onView(view);
        }
    } catch (error) {
      if (signal.aborted) return;
      onTrouble(error);
      await sleep(clock, backoffDelay(RETRY, failures++, random()), signal);
    }
  }
}
