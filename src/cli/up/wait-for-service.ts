/** Waits for a service to take traffic. */
import type { RouteView } from '../../api/muster/wire.ts';
import type { Client } from '../../client/index.ts';

/** How often the balancer is asked for its routes while they come up, in ms. */
const ROUTES_POLL = 25;

/**
 * Resolves once as many instances of `service` as wanted pass (and, with `isRouted`, have a place in the balancer).
 * Rejects with the reason of `signal`. `passing` is told how many pass whenever that changes.
 */
export async function waitForService(
  client: Client,
  { service, instances, isRouted }: { service: string; instances: number; isRouted: boolean },
  signal: AbortSignal,
  passing: (count: number) => void,
): Promise<void> {
  for await (const entries of client.health.watchService(service, { passing: true, signal })) {
    passing(entries.length);
    if (entries.length >= instances) break;
  }
  signal.throwIfAborted();
  while (isRouted) {
    const { value } = await client.read<RouteView[]>('/v1/muster/routes', { signal });
    const targets = new Set(
      value
        .filter((route) => route.service === service)
        .flatMap((route) => route.targets.map(({ address }) => address)),
    );
    if (targets.size >= instances) return;
    await new Promise((resolve) => setTimeout(resolve, ROUTES_POLL));
    signal.throwIfAborted();
  }
}
