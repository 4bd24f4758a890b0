import { vi } from 'vitest';

/** Resolves with what `look` says once it does not throw: at once on a fast machine, and on a slow one that does a lot besides all the same. */
export function soon<Seen>(look: () => Seen | Promise<Seen>): Promise<Seen> {
  return vi.waitFor(look, { timeout: 30_000 });
}
