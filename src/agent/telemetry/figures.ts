import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Family } from '../../lib/metrics.ts';
import { otlpMetrics, type Resource } from '../../lib/otlp.ts';
import { VERSION } from '../../version.ts';
import { Away } from './away.ts';
import type { Destination } from './plan.ts';
import { post } from './post.ts';

export interface FigureOptions {
  to: Destination;
  /** Milliseconds. */
  interval: number;
  families: () => Family[];
  resource: Resource;
  startedAt: number;
  clock: Clock;
  logger: Logger;
}

/** Sends the figures to a collector every so often, the last ones when it stops. What cannot be sent is in those of next time. */
export function sendFigures(options: FigureOptions): { stop(): Promise<void> } {
  const { to, interval, families, resource, startedAt, clock, logger } = options;
  let isStopped = false;
  const away = new Away('figures', to, logger);
  let cancel = () => {};

  async function send(): Promise<void> {
    const now = clock.now();
    const outcome = await post(to, otlpMetrics(families(), { resource, version: VERSION, startedAt, now }));
    away.tell(outcome.kind === 'taken' ? undefined : outcome.why);
  }

  const round = async (): Promise<void> => {
    await send();
    if (!isStopped) cancel = clock.after(interval, () => void round());
  };
  cancel = clock.after(interval, () => void round());
  return {
    async stop() {
      if (isStopped) return;
      isStopped = true;
      cancel();
      await send();
    },
  };
}
