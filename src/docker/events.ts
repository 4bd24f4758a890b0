import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep, wakefulClock } from '../lib/clock.ts';
import type { DockerEngine, EventOptions } from './engine.ts';
import type { EngineEvent } from './types.ts';

/** Of one event: its attributes are the container's labels. */
const MAX_EVENT = 1024 * 1024;
/** A socket that comes back is found within half a second, an engine that is gone costs a look every few seconds. */
const BACKOFF: BackoffPolicy = { base: 100, max: 5_000 };
/** A stream that lasted for so long was a good one: the next trouble is a new one. */
const GOOD_AFTER = 10_000;

/** JSON objects one after the other, each on a line. A line that is none is passed over; one too long rejects. */
export async function* readEvents(stream: AsyncIterable<unknown>): AsyncGenerator<EngineEvent, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a, at)) {
      const event = parsed(rest.toString('utf8', at, end));
      at = end + 1;
      if (event !== undefined) yield event;
    }
    rest = rest.subarray(at);
    if (rest.length > MAX_EVENT) throw new Error(`an event has more than ${MAX_EVENT} bytes`);
  }
}

function parsed(line: string): EngineEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `listening`: from here on nothing is missed, what was before may have been: list now. `event`: something happened, once or
 * more often. `lost`: the engine is away, it is tried again after `delay` ms.
 */
export type EngineNews =
  | { readonly kind: 'listening' }
  | { readonly kind: 'event'; readonly event: EngineEvent }
  | { readonly kind: 'lost'; readonly error: unknown; readonly delay: number };

export interface FollowOptions extends Omit<EventOptions, 'since' | 'signal'> {
  signal: AbortSignal;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * An engine's events for as long as `signal` lets it, over every restart. A new stream takes up where the last one broke
 * off, as far as the engine remembers; since it may not, `listening` is said each time. Never rejects.
 */
export async function* followEvents(
  engine: Pick<DockerEngine, 'events'>,
  options: FollowOptions,
): AsyncGenerator<EngineNews, void> {
  const { signal, filters, clock = wakefulClock, random = Math.random } = options;
  let since: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let listeningSince: number | undefined;
    let error: unknown = new Error('the engine ended the stream of events');
    try {
      const events = await engine.events({
        signal,
        ...(filters === undefined ? {} : { filters }),
        ...(since === undefined ? {} : { since }),
      });
      listeningSince = clock.now();
      yield { kind: 'listening' };
      for await (const event of events) {
        since = timeOf(event) ?? since;
        yield { kind: 'event', event };
      }
    } catch (cause) {
      error = cause;
    }
    if (signal.aborted) return;
    if (listeningSince !== undefined && clock.now() - listeningSince >= GOOD_AFTER) failures = 0;
    const delay = backoffDelay(BACKOFF, failures++, random());
    yield { kind: 'lost', error, delay };
    await sleep(clock, delay, signal);
  }
}

/** As `since` takes it: numbers of nanoseconds do not fit a double, so their last three digits are what they are. */
function timeOf({ time, timeNano }: EngineEvent): string | undefined {
  if (typeof timeNano === 'number' && timeNano > 0) {
    const seconds = Math.floor(timeNano / 1e9);
    // Rounded down to the microsecond: an event too many is no harm, one too few is.
    const micros = Math.floor((timeNano - seconds * 1e9) / 1e3);
    return `${seconds}.${String(micros).padStart(6, '0')}000`;
  }
  return typeof time === 'number' && time > 0 ? String(time) : undefined;
}
