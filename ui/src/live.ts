import { useEffect, useState } from 'preact/hooks';
import { Picture } from '../../src/api/muster/picture.ts';
import { COLLECTIONS, type CollectionName, type Delta, type Snapshot } from '../../src/api/muster/wire.ts';

export type Link = 'connecting' | 'live' | 'lost';

/** What every screen reads. A new object each time something changed; the picture in it is the same one. */
export interface LiveView {
  readonly picture: Picture | undefined;
  readonly link: Link;
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

  open(address: string): void {
    const source = new EventSource(address);
    source.addEventListener('snapshot', (event) => {
      const snapshot = JSON.parse(event.data as string) as Snapshot;
      this.#picture = Picture.from(snapshot);
      this.#link = 'live';
      for (const name of COLLECTIONS) this.#versions[name]++;
      this.#seen(snapshot.at);
    });
    source.addEventListener('delta', (event) => {
      const delta = JSON.parse(event.data as string) as Delta;
      this.#picture?.apply(delta);
      for (const name of COLLECTIONS) {
        if (delta.set?.[name] !== undefined || delta.gone?.[name] !== undefined) this.#versions[name]++;
      }
      this.#seen(delta.at);
    });
    source.addEventListener('error', () => {
      this.#link = 'lost';
      this.#tell();
      // The browser comes back by itself, except after an answer other than 200.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.open(address), 2000);
    });
  }

  view(): LiveView {
    return {
      picture: this.#picture,
      link: this.#link,
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

export const live = new LiveStream();

/** The live view; the component is drawn anew when it changes. */
export function useLive(): LiveView {
  const [view, setView] = useState(() => live.view());
  useEffect(() => live.listen(setView), []);
  return view;
}
