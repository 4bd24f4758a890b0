/** The groups of a stack: started together, stopped together, waited for until they take traffic. */

import type { Config } from '../../agent/config/schema.ts';
import type { RouteView } from '../../api/muster/wire.ts';
import type { Client } from '../../client/index.ts';
import { type Group, startGroup } from '../../group/group.ts';
import type { Logger } from '../../lib/log.ts';
import type { Terminal } from '../verb.ts';
import { linePrefixer } from './output.ts';

export interface Groups {
  readonly running: readonly Group[];
  stop(): Promise<void>;
  kill(): void;
}

/** Throws `group.failed`; what was started already is stopped then. */
export async function startGroups(
  config: Config,
  env: Readonly<Record<string, string>>,
  { logger, terminal }: { logger: Logger; terminal: Terminal },
): Promise<Groups> {
  const width = Math.max(0, ...config.group.map(({ name, replicas }) => `${name}-${replicas}`.length));
  const prefixed = linePrefixer(width, terminal.color);
  const running: Group[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((group) => group.stop()));
  };
  try {
    for (const spec of config.group)
      running.push(
        await startGroup(spec, {
          logger: logger.child(`group ${spec.name}`),
          env,
          output: (instance, _stream, line) => terminal.out(prefixed(instance, line)),
        }),
      );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    running,
    stop,
    kill() {
      for (const group of running) group.kill();
    },
  };
}

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
