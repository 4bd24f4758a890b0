import { fileTrouble } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/** A disk that is full, or that cannot be written for a while, needs somebody to see to it. */
const RETRY: BackoffPolicy = { base: 200, max: 5_000 };

export interface AnewOptions {
  /** Throws away what is kept of the cluster so far. May fail half-way, and is called again then. */
  forget(): Promise<void>;
  /** Joins, and takes part from then on. After a failure it goes on from where it was. */
  join(): Promise<void>;
  /** Nobody wants it any more. */
  isOver(): boolean;
  clock: Clock;
  random(): number;
  logger: Logger;
}

/** Has a server that its cluster goes on without begin anew, however often it takes. Never rejects. */
export async function joinAnew({ forget, join, isOver, clock, random, logger }: AnewOptions): Promise<void> {
  let isForgotten = false;
  for (let failures = 0; !isOver(); failures++) {
    try {
      // Once: what is there later is what it has joined.
      if (!isForgotten) await forget();
      isForgotten = true;
      await join();
      return;
    } catch (error) {
      if (isOver()) return;
      logger.error('this server could not join its cluster anew, it tries again', {
        error: fileTrouble(error),
      });
      await pause(clock, backoffDelay(RETRY, failures, random()));
    }
  }
}
