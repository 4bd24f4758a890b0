import { isMusterError, MusterError } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep, systemClock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { Client } from './client.ts';
import { RefusedError } from './connection.ts';
import type { CheckDefinition, CheckState, ServiceRegistration, Weights } from './types.ts';

export interface SelfOptions {
  name: string;
  port: number;
  /**
   * Default `name-port`: one of its kind on an agent, and the same after a restart on the same port, so that
   * an instance that comes back takes the place of the one that crashed.
   */
  id?: string;
  /** Default: the address of the agent's node. */
  address?: string;
  tags?: string[];
  meta?: Record<string, string>;
  weights?: Weights;
  /** How the agent finds out whether the program is well. With a `TTL` the reports are sent from here. */
  check?: CheckDefinition;
  /** What to report on a TTL check. Default: passing. */
  health?: () => { status: CheckState; output: string };
  /** Ends the attempts to register; afterwards it is of no effect, see `close`. */
  signal?: AbortSignal;
  /** Told when the agent cannot be reached or refuses; attempts go on after `delay` ms. */
  onTrouble?: (error: unknown, delay: number) => void;
  /** Told when the agent had lost the registration and has it again. */
  onRegisteredAgain?: () => void;
  /**
   * Milliseconds between looks whether the agent still has the registration. Default 5,000: an agent that was
   * replaced knows the program again within a few seconds, at a fifth of a request per second.
   */
  verifyEvery?: number;
  clock?: Clock;
  random?: () => number;
}

export interface SelfRegistration {
  readonly id: string;
  /** Takes the registration back, so that no new requests come. Idempotent; resolves also when the agent is away. */
  close(): Promise<void>;
}

const VERIFY_EVERY = 5_000;
/** A program waits for its agent at boot; a second is soon enough then. */
const BACKOFF: BackoffPolicy = { base: 100, max: 5_000 };
/** Reports per TTL: two may be lost. */
const REPORTS_PER_TTL = 3;
/** Milliseconds for the farewell: a program that stops does not wait for an agent that is gone. */
const FAREWELL = 2_000;

/**
 * Registers the program itself and keeps it registered. Resolves once the agent has it, which it awaits for
 * as long as `signal` lets it; rejects at once when the agent says that the registration is wrong.
 */
export async function registerSelf(client: Client, options: SelfOptions): Promise<SelfRegistration> {
  const { clock = systemClock, random = Math.random, onTrouble } = options;
  const registration = registrationOf(options);
  const { ID: id, Name: name } = registration;
  const closed = new AbortController();
  const { signal } = closed;
  const onAbort = () => closed.abort(options.signal?.reason);
  options.signal?.throwIfAborted();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        await client.agent.register(registration, { signal, replaceExistingChecks: true });
        break;
      } catch (error) {
        if (signal.aborted || isFinal(error)) throw error;
        const delay = backoffDelay(BACKOFF, attempt, random());
        onTrouble?.(error, delay);
        await sleep(clock, delay, signal);
        signal.throwIfAborted();
      }
    }
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }

  const checkId = options.check?.CheckID ?? `service:${id}`;
  const ttl = options.check?.TTL === undefined ? undefined : parseDuration(options.check.TTL);
  const every = Math.min(options.verifyEvery ?? VERIFY_EVERY, (ttl ?? Infinity) / REPORTS_PER_TTL);

  /** Answers whether the agent (again) has the registration. */
  const verify = async (): Promise<void> => {
    const known = await client.agent.service(id, { signal });
    if (known === undefined || known.Service !== name) {
      await client.agent.register(registration, { signal, replaceExistingChecks: true });
      options.onRegisteredAgain?.();
    }
    if (ttl === undefined) return;
    const { status, output } = options.health?.() ?? { status: 'passing', output: '' };
    await client.agent.update(checkId, status, output, { signal });
  };
  const keep = async (): Promise<void> => {
    let failures = 0;
    // The first report is due at once: a TTL check is critical until then.
    let delay = ttl === undefined ? every : 0;
    while (!signal.aborted) {
      await sleep(clock, delay, signal);
      if (signal.aborted) return;
      try {
        await verify();
        failures = 0;
        // A tenth of jitter keeps a fleet that started together from asking together.
        delay = Math.round(every * (0.9 + 0.1 * random()));
      } catch (error) {
        if (signal.aborted) return;
        delay = Math.min(every, backoffDelay(BACKOFF, failures++, random()));
        onTrouble?.(error, delay);
      }
    }
  };
  const kept = keep();

  let farewell: Promise<void> | undefined;
  const leave = async () => {
    closed.abort(new MusterError('request.rejected', `${id} is being deregistered`));
    // Only then: a registration that is under way would otherwise arrive after the deregistration.
    await kept;
    try {
      await client.agent.deregister(id, { signal: AbortSignal.timeout(FAREWELL) });
    } catch (error) {
      onTrouble?.(error, 0);
    }
  };
  return { id, close: () => (farewell ??= leave()) };
}

function registrationOf(options: SelfOptions): ServiceRegistration & { ID: string } {
  const { name, port, id = `${name}-${port}`, address, tags, meta, weights, check } = options;
  return {
    ID: id,
    Name: name,
    Port: port,
    ...(address === undefined ? {} : { Address: address }),
    ...(tags === undefined ? {} : { Tags: tags }),
    ...(meta === undefined ? {} : { Meta: meta }),
    ...(weights === undefined ? {} : { Weights: weights }),
    ...(check === undefined ? {} : { Check: check }),
  };
}

/** True for what is wrong with the registration itself. */
function isFinal(error: unknown): boolean {
  if (error instanceof RefusedError) return error.status < 500 && error.status !== 429;
  return !isMusterError(error, 'client.unreachable');
}
