import http from 'node:http';
import { pause } from '../../scripts/support/processes.mjs';
import { ask } from './http.ts';

export interface Sample {
  /** Milliseconds since the load began when the request was sent. */
  at: number;
  /** HTTP status; 0 when there was no complete answer. */
  status: number;
  text: string;
}

/**
 * Open-loop load: a request is sent when its time has come, whether or not those before it were answered, so a
 * stall shows as what it is.
 */
export class Load {
  readonly samples: Sample[] = [];
  readonly #agent: http.Agent | undefined;
  readonly #begin = performance.now();
  readonly #pending = new Set<Promise<void>>();
  readonly #url: string;
  readonly #rate: number;
  readonly #timer: NodeJS.Timeout;

  private constructor(url: string, rate: number, keepAlive: boolean) {
    // In turn: one that nobody had used for long would be closed by the other side, perhaps just when it is used again.
    this.#agent = keepAlive
      ? new http.Agent({ keepAlive: true, maxSockets: 64, scheduling: 'fifo' })
      : undefined;
    this.#url = url;
    this.#rate = rate;
    this.#timer = setInterval(() => this.#sendWhatIsDue(), 2);
  }

  /** `rate` in requests per second; without `keepAlive` each on a connection of its own. */
  static begin(url: string, rate: number, { keepAlive = true } = {}): Load {
    return new Load(url, rate, keepAlive);
  }

  /** No more requests; waits for the answers of those under way. */
  async end(): Promise<Sample[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#agent?.destroy();
    return this.samples;
  }

  #sent = 0;

  #sendWhatIsDue(): void {
    const due = ((performance.now() - this.#begin) / 1000) * this.#rate;
    for (; this.#sent < due; this.#sent++) {
      const one = this.#send().finally(() => this.#pending.delete(one));
      this.#pending.add(one);
    }
  }

  async #send(): Promise<void> {
    const at = performance.now() - this.#begin;
    try {
      const { status, text } = await ask(this.#url, this.#agent === undefined ? {} : { agent: this.#agent });
      this.samples.push({ at, status, text });
    } catch (error) {
      this.samples.push({ at, status: 0, text: String(error) });
    }
  }
}

/** Those that failed, in words: empty when none did. */
export function failures(samples: readonly Sample[]): string[] {
  return samples
    .filter((one) => one.status !== 200)
    .map((one) => `${Math.round(one.at)} ms: ${one.status} ${one.text}`);
}

/** Between two of what is done one by one, in ms: without end in between they would take the cores from what is tested. */
const PACE = 4;

export interface OneByOne {
  /** How often so far without a failure. */
  done(): number;
  /** Not once more; resolves with what failed. */
  end(): Promise<{ failed: string[] }>;
}

/** Does `what` again and again, one after another, until told to end. */
export function oneByOne(what: () => Promise<unknown>): OneByOne {
  const failed: string[] = [];
  let done = 0;
  let going = true;
  const loop = (async () => {
    while (going) {
      try {
        await what();
        done++;
      } catch (error) {
        failed.push(String(error));
      }
      await pause(PACE);
    }
  })();
  return {
    done: () => done,
    async end() {
      going = false;
      await loop;
      return { failed };
    },
  };
}
