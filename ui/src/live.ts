import { useEffect, useState } from 'preact/hooks';
import { Picture } from '../../src/api/muster/picture.ts';
import { COLLECTIONS, type CollectionName, type Delta, type Snapshot } from '../../src/api/muster/wire.ts';
import { EventReader, type StreamEvent } from './event-stream.ts';
import { onToken, tokenHeaders } from './token.ts';

/** `refused`: the agent is there, but wants another token. */
export type Link = 'connecting' | 'live' | 'lost' | 'refused';

/** Milliseconds until a stream that ended is asked for again; a refused one more rarely, since a person has to act. */
const RETRY = 1000;
const RETRY_REFUSED = 10_000;

/** What every screen reads. A new object each time something changed; the picture in it is the same one. */
export interface LiveView {
  readonly picture: Picture | undefined;
  readonly link: Link;
  /** What the agent said when it refused. */
  readonly refusal: string;
  /** Counts up when anything in a collection changes: what to remember derived lists by. */
  readonly versions: Readonly<Record<CollectionName, number>>;
  /** The server's clock now, ms since the epoch. */
  readonly now: number;
}

/**
 * The one event stream of the page. Deltas are applied as they come; screens are told once per frame at most.
 */
class LiveStream {
  #picture: Picture | undefined;
  #link: Link = 'connecting';
  #refusal = '';
  readonly #versions: Record<CollectionName, number> = {
    services: 0,
    instances: 0,
    routes: 0,
    traffic: 0,
    problems: 0,
  };
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
        this.#refusal = await this.#read(address, signal).catch(() => '');
        if (signal.aborted) continue;
        this.#link = this.#refusal === '' ? 'lost' : 'refused';
        if (this.#link === 'refused') this.#picture = undefined;
        this.#tell();
        await pause(this.#link === 'lost' ? RETRY : RETRY_REFUSED, signal);
      }
    };
    void follow();
  }

  /** Reads a stream to its end. Answers with the agent's words when it refuses; rejects when it is not there. */
  async #read(address: string, signal: AbortSignal): Promise<string> {
    const response = await fetch(address, { headers: tokenHeaders(), signal, cache: 'no-store' });
    if (response.status === 401 || response.status === 403)
      return (await response.text()) || 'Permission denied';
    if (!response.ok || response.body === null) throw new Error(`the agent answered ${response.status}`);
    const events = new EventReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return '';
      for (const event of events.push(value)) this.#take(event);
    }
  }

  #take({ name, text }: StreamEvent): void {
    if (name === 'snapshot') {
      const snapshot = JSON.parse(text) as Snapshot;
      this.#picture = Picture.from(snapshot);
      this.#link = 'live';
      for (const one of COLLECTIONS) this.#versions[one]++;
      this.#seen(snapshot.at);
    } else if (name === 'delta') {
      const delta = JSON.parse(text) as Delta;
      this.#picture?.apply(delta);
      for (const one of COLLECTIONS) {
        if (delta.set?.[one] !== undefined || delta.gone?.[one] !== undefined) this.#versions[one]++;
      }
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
    this.#tell();
  }

  #tell(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    requestAnimationFrame(() => {
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
  useEffect(() => live.listen(setView), []);
  return view;
}
