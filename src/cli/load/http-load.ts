/**
 * Open-loop HTTP load: each request has its due time from the rate alone and is sent then, however the earlier ones
 * fare; its latency counts from the due time. So a server that stalls is charged for every request that would have come
 * meanwhile (no coordinated omission).
 */
import type { Clients } from './clients.ts';
import { type Again, type Message, type Outcome, send } from './send.ts';

export interface HttpLoad extends Message {
  clients: Clients;
  /** How many requests, spread evenly. */
  requests: number;
  /** Requests a second. */
  rate: number;
  /** Ends the run early: nothing more is sent, what is in flight is given up and not counted. */
  signal?: AbortSignal;
  /** Told about each request when it is over. */
  done?: (outcome: Outcome) => void;
}

export interface HttpLoadResult {
  /** Of requests that were answered whole with a status below 400, in ms. */
  latencies: number[];
  failed: number;
  /** How often each status came. */
  statuses: Record<string, number>;
  /** How often each failure happened. */
  failures: Record<string, number>;
  /** Over all requests. */
  again: Again;
  bytes: number;
  /** From the first due time until the last answer, in ms. */
  took: number;
  /** The most by which a request was sent after its due time, in ms: the generator's own share. */
  latest: number;
}

export async function runHttpLoad(load: HttpLoad): Promise<HttpLoadResult> {
  const { clients, requests, rate, signal } = load;
  const result: HttpLoadResult = {
    latencies: [],
    failed: 0,
    statuses: {},
    failures: {},
    again: { refused: 0, closed: 0 },
    bytes: 0,
    took: 0,
    latest: 0,
  };
  const flying = new Set<() => void>();
  const started = performance.now();
  const dueOf = (index: number): number => started + (index * 1000) / rate;

  const count = (outcome: Outcome): void => {
    if (outcome.failure === undefined) {
      result.latencies.push(outcome.latency);
    } else {
      result.failed++;
      result.failures[outcome.failure] = (result.failures[outcome.failure] ?? 0) + 1;
    }
    if (outcome.status > 0) result.statuses[outcome.status] = (result.statuses[outcome.status] ?? 0) + 1;
    result.bytes += outcome.bytes;
    result.again.refused += outcome.again.refused;
    result.again.closed += outcome.again.closed;
    load.done?.(outcome);
  };

  await new Promise<void>((resolve) => {
    let sent = 0;
    let over = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const abort = (): void => {
      sent = requests;
      for (const giveUp of flying) giveUp();
      finish();
    };
    const tick = (): void => {
      const now = performance.now();
      while (sent < requests && dueOf(sent) <= now) {
        const due = dueOf(sent++);
        result.latest = Math.max(result.latest, now - due);
        const giveUp = send(load, clients.next(), due, (outcome) => {
          flying.delete(giveUp);
          if (signal?.aborted) return;
          count(outcome);
          if (++over === requests) finish();
        });
        flying.add(giveUp);
      }
      if (sent < requests) timer = setTimeout(tick, Math.max(0, dueOf(sent) - performance.now()));
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (requests === 0 || signal?.aborted) finish();
    else tick();
  });
  result.took = performance.now() - started;
  return result;
}
