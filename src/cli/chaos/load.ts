/** Requests at the rates of a plan, one phase after the other, whatever happens to them. */
import { sleep, wakefulClock } from '../../lib/clock.ts';
import { Clients, MOST_CONNECTIONS } from '../load/clients.ts';
import { runHttpLoad } from '../load/http-load.ts';
import { lookupAt } from '../load/lookup.ts';
import type { Plan } from './plan.ts';
import type { Sample } from './report.ts';

/** Browsers wait longer, in ms; people do not. */
const PATIENCE = 10_000;

/** Resolves when the last answer is there or given up. What is in flight when `signal` is aborted does not count. */
export async function sendLoad(
  { load, clients: count, resolver }: Pick<Plan, 'load' | 'clients' | 'resolver'>,
  url: URL,
  signal: AbortSignal,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const began = performance.now();
  const clients = new Clients({
    url,
    clients: count,
    connections: MOST_CONNECTIONS,
    keepAlive: true,
    lookup: resolver === undefined ? undefined : lookupAt(resolver),
  });
  const phases: Promise<unknown>[] = [];
  for (const { rate, for: length } of load) {
    // A phase begins in its time: the last answers of the one before may still be on their way.
    const phase = runHttpLoad({
      url,
      method: 'GET',
      headers: {},
      requests: Math.max(1, Math.round((rate * length) / 1_000)),
      rate,
      timeout: PATIENCE,
      clients,
      signal,
      done: ({ latency, failure, again }) =>
        samples.push({ at: performance.now() - began - latency, latency, failure, again }),
    });
    phases.push(phase);
    await sleep(wakefulClock, length, signal);
    if (signal.aborted) break;
  }
  await Promise.all(phases);
  clients.close();
  return samples;
}
