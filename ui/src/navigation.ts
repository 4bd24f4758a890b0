import { useEffect, useState } from 'preact/hooks';
import { type Place, placeOf } from './location.ts';

const listeners = new Set<() => void>();

/** Goes to an address of the dashboard without loading the page anew. */
export function go(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  for (const listener of listeners) listener();
}

/** The present place; follows the browser's buttons and every plain click on a link below `/ui`. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location));
  useEffect(() => {
    const look = () => {
      const next = placeOf(location);
      if (next.canonical !== undefined) history.replaceState(null, '', next.canonical);
      setPlace(next);
    };
    look();
    listeners.add(look);
    addEventListener('popstate', look);
    document.addEventListener('click', onClick);
    return () => {
      listeners.delete(look);
      removeEventListener('popstate', look);
      document.removeEventListener('click', onClick);
    };
  }, []);
  return place;
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  // By its attributes: a link inside of a drawing has no `href` that is a string.
  const href = link?.getAttribute('href') ?? '';
  if (link === null || href.startsWith('#') || link.hasAttribute('target')) return;
  const { origin, pathname, search } = new URL(href, location.href);
  if (origin !== location.origin || !/^\/ui(\/|$)/.test(pathname)) return;
  event.preventDefault();
  const isSameScreen = pathname === location.pathname;
  go(pathname + search);
  if (isSameScreen) return;
  scrollTo(0, 0);
  // As after a page load: the keyboard and a screen reader go on from the new content.
  document.getElementById('main')?.focus({ preventScroll: true });
}
