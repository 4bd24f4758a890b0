import { useState } from 'preact/hooks';

/** "auto" follows the system. */
export type Theme = 'auto' | 'light' | 'dark';
const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const KEY = 'muster.theme';

const listeners = new Set<() => void>();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);

function tell(): void {
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the colours change: for what is drawn by script. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): { theme: Theme; next: () => void } {
  const [theme, setTheme] = useState<Theme>(() => {
    const set = document.documentElement.dataset.theme;
    return set === 'light' || set === 'dark' ? set : 'auto';
  });
  const next = () => {
    const chosen = NEXT[theme];
    if (chosen === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    try {
      if (chosen === 'auto') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, chosen);
    } catch {
      // Storage is switched off: the choice holds until the page is left.
    }
    setTheme(chosen);
    tell();
  };
  return { theme, next };
}
