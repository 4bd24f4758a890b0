import { vi } from 'vitest';

/** The limit of the waits below: passed by none that works, on a slow machine that does a lot besides either. */
const AT_MOST = { timeout: 30_000 };

/** Resolves with what `look` says once it does not throw. */
export function soon<Seen>(look: () => Seen | Promise<Seen>): Promise<Seen> {
  return vi.waitFor(look, AT_MOST);
}

/** Resolves once `holds` says so. */
export async function becomes(
  holds: () => boolean | undefined | Promise<boolean | undefined>,
): Promise<void> {
  await vi.waitUntil(holds, AT_MOST);
}
