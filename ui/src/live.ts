import { useLayoutEffect, useState } from 'preact/hooks';
import { Picture } from '../../src/api/muster/picture.ts';
import {
  COLLECTIONS,
  type CollectionName,
  type Delta,
  type Snapshot,
  SUBJECTS,
  type Subject,
} from '../../src/api/muster/wire.ts';
import { EventReader, type StreamEvent } from './event-stream.ts';
import { atNextFrame } from './frame.ts';
import { onToken, tokenHeaders } from './token.ts';

/** `refused`: the agent is there, but wants another token. */
export type Link = 'connecting' | 'live' | 'lost' | 'refused';

/**
 * The figures of the traffic come once a second. After so many ms without a byte what is shown is old, and said to be; after so
 * many more the stream is given up: a machine that lost its power ends no connection.
 */
const QUIET = 5_000;
const DEAD = 20_000;

/** Milliseconds until a stream that ended is asked for again; a refused one more rarely, since a person has to act. */
const RETRY = 1000;
const RETRY_REFUSED = 10_000;

/** What every screen reads. A new object each time something changed; the picture in it is the same one. */
export interface LiveView {
  readonly picture: Picture | undefined;
  readonly link: Link;
  /** What the agent said when it refused, or why there is no stream although it answers; else "". */
  readonly refusal: string;
  /**
   * Counts up when anything in a collection changes: what to remember derived lists by; and when there is news of a subject: what was
   * answered about it before is old then.
   */
  readonly versions: Readonly<Record<CollectionName | Subject, number>>;
  /** The server's clock now, ms since the epoch. */
  readonly now: number;
}

/** What a screen is drawn from that shows what is in the picture. */
export interface PictureScreen {
  readonly view: LiveView;
  readonly picture: Picture;
  readonly query: URLSearchParams;
}

/** How a stream ended. */
interface End {
  readonly link: 'lost' | 'refused';
  readonly refusal: string;
}

/**
 * The one event stream of the page. Deltas are applied as they come; screens are told once per frame at most.
 */
class LiveStream {
  #picture: Picture | undefined;
  #link: Link = 'connecting';
  #refusal = '';
  readonly #versions = Object.fromEntries([...COLLECTIONS, ...SUBJECTS].map((one) => [one, 0])) as Record<
    CollectionName | Subject,
    number
  >;
  /** Server's clock minus the browser's, ms. */
  #ahead = 0;
  #isTold = true;
  readonly #listeners = new Set<(view: LiveView) => void>();

  /** Follows the stream at `address` for as long as the page is there; anew with each token. */
  open(address: string): void {
    let asked = new AbortController();
    onToken(() => {
      // What was seen with the old token must not stay in view.
      this.#picture = undefined;
      this.#link = 'connecting';
      this.#tell();
      asked.abort();
    });
    const follow = async (): Promise<never> => {
      for (;;) {
        asked = new AbortController();
        const { signal } = asked;
        const { link, refusal } = await this.#read(address, asked).catch(
          (): End => ({ link: 'lost', refusal: '' }),
        );
        if (signal.aborted && signal.reason !== DEAD) continue;
        this.#link = link;
        this.#refusal = refusal;
        if (link === 'refused') this.#picture = undefined;
        this.#tell();
        await pause(link === 'lost' ? RETRY : RETRY_REFUSED, signal);
      }
    };
    void follow();
  }

  /** Reads a stream to its end. Rejects when the agent is not there, or no longer. */
  async #read(address: string, asked: AbortController): Promise<End> {
    let heardAt = Date.now();
    const watch = setInterval(() => {
      const silence = Date.now() - heardAt;
      if (silence > DEAD) asked.abort(DEAD);
      else if (silence > QUIET && this.#link === 'live') {
        this.#link = 'lost';
        this.#tell();
      }
    }, 1000);
    try {
      const { signal } = asked;
      const response = await fetch(address, { headers: tokenHeaders(), signal, cache: 'no-store' });
      const { ok, status, body } = response;
      if (!ok || body === null) {
        const words = (await response.text()) || `the agent answers ${status}`;
        return { link: status === 401 || status === 403 ? 'refused' : 'lost', refusal: words };
      }
      const events = new EventReader();
      const pieces = body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await pieces.read();
        if (done) return { link: 'lost', refusal: '' };
        heardAt = Date.now();
        for (const event of events.push(value)) this.#take(event);
      }
    } finally {
      clearInterval(watch);
    }
  }

  #take({ name, text }: StreamEvent): void {
    if (name === 'snapshot') {
      const snapshot = JSON.parse(text) as Snapshot;
      this.#picture = Picture.from(snapshot);
      this.#refusal = '';
      // What was missed before it is not known.
      for (const one of [...COLLECTIONS, ...SUBJECTS]) this.#versions[one]++;
      this.#seen(snapshot.at);
    } else if (name === 'delta') {
      const delta = JSON.parse(text) as Delta;
      this.#picture?.apply(delta);
      for (const one of COLLECTIONS) {
        if (delta.set?.[one] !== undefined || delta.gone?.[one] !== undefined) this.#versions[one]++;
      }
      for (const subject of delta.news ?? []) this.#versions[subject]++;
      this.#seen(delta.at);
    }
  }

  view(): LiveView {
    return {
      picture: this.#picture,
      link: this.#link,
      refusal: this.#refusal,
      versions: { ...this.#versions },
      now: Date.now() + this.#ahead,
    };
  }

  listen(listener: (view: LiveView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #seen(at: number): void {
    this.#ahead = at - Date.now();
    this.#link = 'live';
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    atNextFrame(() => {
      this.#isTold = true;
      const view = this.view();
      for (const listener of this.#listeners) listener(view);
    });
  }
}

/** Ends early with the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export const live = new LiveStream();

/** The live view; the component is drawn anew when it changes. */
export function useLive(): LiveView {
  const [view, setView] = useState(() => live.view());
  // In the turn in which it is drawn first: what came between the two would not be told.
  useLayoutEffect(() => live.listen(setView), []);
  return view;
}
