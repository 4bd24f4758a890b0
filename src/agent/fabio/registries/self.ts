import type { Client, ServiceRegistration } from '../../../client/index.ts';
import { messageOf } from '../../../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../../../lib/backoff.ts';
import { sleep, systemClock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';

export interface SelfRegistration {
  /** Takes it back. Idempotent; resolves also when the registry is away. */
  close(): Promise<void>;
  /** Leaves it to another process, which has registered the same. */
  release(): void;
}

/** How often the registry hears that we live: a third of the TTL of the check and less. */
const REPORT = 4_000;
const RETRY: BackoffPolicy = { base: 200, max: 4_000 };
/** How long the farewell may take (ms). */
const FAREWELL = 2_000;

/** Registers the balancer, with its two checks, and keeps it registered: an agent that lost it is told again. */
export function startSelf(
  client: Client,
  registration: ServiceRegistration & { ID: string; Checks: readonly { CheckID?: string }[] },
  log: Logger,
): SelfRegistration {
  const ending = new AbortController();
  const { signal } = ending;
  const { ID: id, Name: name } = registration;
  const ttl = registration.Checks.find(({ CheckID }) => CheckID !== undefined)?.CheckID ?? `${id}-ttl`;
  const keep = async () => {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if ((await client.agent.service(id, { signal })) === undefined) {
          await client.agent.register(registration, { signal });
          log.info('registered', { name, id });
        }
        await client.agent.pass(ttl, { signal });
        failures = 0;
        await sleep(systemClock, REPORT, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) log.warn('cannot register', { name, why: messageOf(error) });
        await sleep(systemClock, backoffDelay(RETRY, failures++, Math.random()), signal);
      }
    }
  };
  const kept = keep();
  let farewell: Promise<void> | undefined;
  const leave = async () => {
    ending.abort();
    await kept;
    await client.agent
      .deregister(id, { signal: AbortSignal.timeout(FAREWELL) })
      .catch((error: unknown) => log.warn('cannot deregister', { name, why: messageOf(error) }));
  };
  return {
    close() {
      farewell ??= leave();
      return farewell;
    },
    release() {
      farewell ??= Promise.resolve();
      ending.abort();
    },
  };
}
