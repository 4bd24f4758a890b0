/** One request through the balancer, to show that the way is open. */
import { fetchTrouble } from '../../errors.ts';

export interface FirstAnswer {
  status: number;
  bytes: number;
  /** In ms, until the whole answer was there. */
  took: number;
  /** The beginning of the body, on one line. */
  shown: string;
}

/** Characters of the answer that are shown. */
const SHOWN = 100;

/** What came back, or a sentence why nothing did. Rejects only with the reason of `signal`. */
export async function firstRequest(url: string, signal: AbortSignal): Promise<FirstAnswer | string> {
  const since = performance.now();
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      redirect: 'manual',
    });
    const body = await response.text();
    return {
      status: response.status,
      bytes: Buffer.byteLength(body),
      took: performance.now() - since,
      // Control characters would do things to a terminal.
      shown:
        body.slice(0, SHOWN).replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ') + (body.length > SHOWN ? '…' : ''),
    };
  } catch (error) {
    signal.throwIfAborted();
    return fetchTrouble(error);
  }
}
