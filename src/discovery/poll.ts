import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type Backend, instanceOf } from './backend.ts';
import type { DiscoveredInstance, Discovery, InstanceChange, InstanceListener } from './instance.ts';

export const FAIL_POLICIES = ['keeplast', 'setempty'] as const;
/** What becomes of the instances while their source cannot be asked. */
export type FailPolicy = (typeof FAIL_POLICIES)[number];

/** What all kinds that ask again and again have. */
export interface PollOptions {
  /** What messages call it. */
  readonly service: string;
  /** Milliseconds between two questions; 0: asked until the first answer, then never again. */
  readonly interval: number;
  /** Milliseconds until an answer is given up; 0: the kind's own. */
  readonly timeout: number;
  readonly failPolicy: FailPolicy;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface Listed {
  readonly backends: readonly Backend[];
  /** The source tells of changes itself: ask again at once, the answer comes with the next change. */
  readonly waits?: boolean;
}

export interface Poll {
  readonly kind: string;
  /** Milliseconds, when the options give none. */
  readonly timeout: number;
  /** What there is now. Rejects when it cannot be told. */
  list(signal: AbortSignal): Promise<Listed>;
}

/** After failures: soon, as the balancer may have nothing to send to, then every 2 s as gobetween does. */
const RETRY: BackoffPolicy = { base: 250, max: 2_000 };
/** Least time (ms) between two questions to a source that tells of changes itself. */
const LEAST_PAUSE = 100;

/** Asks, tells the differences, waits, asks again. Failures are logged when they begin and when they are over. */
export function poll(
  { kind, timeout: usual, list }: Poll,
  options: PollOptions,
  listener: InstanceListener,
): Discovery {
  const { service, interval, failPolicy, clock, random, log } = options;
  const timeout = options.timeout > 0 ? options.timeout : usual;
  let known = new Map<string, DiscoveredInstance>();
  let failures = 0;
  let stopped = false;
  let cancel = () => {};
  let asking: AbortController | undefined;

  const tell = (backends: readonly Backend[]): void => {
    const found = new Map<string, DiscoveredInstance>();
    for (const backend of backends) {
      const instance = instanceOf(backend, kind, service);
      found.set(instance.id, instance);
    }
    const changes: InstanceChange[] = [];
    for (const [id, before] of known) if (!found.has(id)) changes.push({ id, before, after: undefined });
    for (const [id, after] of found) {
      const before = known.get(id);
      if (!isDeepStrictEqual(before, after)) changes.push({ id, before, after });
    }
    known = found;
    if (changes.length > 0) listener(changes);
  };

  const ask = async (): Promise<void> => {
    asking = new AbortController();
    const { signal } = asking;
    const tooLate = clock.after(timeout, () => asking?.abort(new Error(`no answer within ${timeout} ms`)));
    let pause: number | undefined = interval;
    try {
      const { backends, waits = false } = await list(signal);
      if (stopped) return;
      if (failures > 0) log.info('the source of instances answers again', { service, kind });
      failures = 0;
      tell(backends);
      if (waits) pause = LEAST_PAUSE;
      else if (interval === 0) pause = undefined;
    } catch (error) {
      if (stopped) return;
      if (failures === 0)
        log.warn('the source of instances cannot be asked', {
          service,
          kind,
          why: messageOf(error),
          failPolicy,
        });
      pause = backoffDelay(RETRY, failures++, random());
      if (failPolicy === 'setempty') tell([]);
    } finally {
      tooLate();
      asking = undefined;
    }
    if (pause !== undefined) cancel = clock.after(pause, () => void ask());
  };

  void ask();
  return {
    instances: () => known.values(),
    resync() {
      if (stopped || asking !== undefined) return;
      cancel();
      void ask();
    },
    stop() {
      stopped = true;
      cancel();
      asking?.abort(new Error('stopped'));
    },
  };
}
