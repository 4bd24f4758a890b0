/** A registrator alone, in the foreground: started, kept until a signal, stopped. */
import { hostname } from 'node:os';
import { familiesOf } from '../agent/metrics/metric.ts';
import { registratorMetrics } from '../agent/metrics/registrator.ts';
import { DockerEngine } from '../docker/engine.ts';
import { messageOf } from '../errors.ts';
import { sleep, wakefulClock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import { createLogger, type Logger, stderrSink } from '../lib/log.ts';
import { engineEnv } from '../registrator/engine-env.ts';
import { hostAddressOf, isContainerId } from '../registrator/host-address.ts';
import type { RegistratorOptions } from '../registrator/options.ts';
import { Registrator } from '../registrator/registrator.ts';
import { tagTemplate } from '../registrator/tag-template.ts';
import type { Target } from '../registrator/target.ts';
import { targetOf } from '../registrator/targets/uri.ts';
import { untilInterrupted } from './interrupt.ts';
import type { LogChoice } from './log-flags.ts';
import { serveOwnMetrics } from './own-metrics.ts';

export interface RunRegistratorOptions {
  readonly uri: string;
  readonly options: RegistratorOptions;
  /** Attempts after the first, -1 without end, and milliseconds between them. */
  readonly retry: { readonly attempts: number; readonly interval: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: LogChoice;
  readonly metrics: HostPort | undefined;
}

/** Resolves with exit code 0 after a signal. Rejects when the registry cannot be reached in as many attempts as allowed. */
export async function runRegistrator({
  uri,
  options,
  retry,
  env,
  log,
  metrics: place,
}: RunRegistratorOptions): Promise<number> {
  const logger = createLogger({ level: log.level, sink: stderrSink(log.format) }).child('registrator');
  const target = targetOf(uri, { env, hostname: options.hostname, ttl: options.ttl });
  const tags = tagTemplate(options.tags);
  const engine = DockerEngine.fromEnv(engineEnv(env));
  const hostAddress = await hostAddressOf(options.hostname);
  if (options.hostname === hostname() && isContainerId(options.hostname))
    logger.warn(
      `IDs begin with ${options.hostname}, the name of this container: the next one has another, and would leave these behind. Name the machine with -hostname, or start the container with --net=host or -h`,
    );
  return untilInterrupted(async (signal) => {
    try {
      await reach(target, retry, logger, signal);
      if (signal.aborted) return 0;
      logger.info('started', {
        registry: target.address,
        engine: engine.address,
        address: options.ip || hostAddress,
      });
      const registrator = new Registrator({
        engine,
        target,
        options,
        hostAddress,
        nodeAddress: hostAddress,
        tags,
        logger,
      });
      const metrics = await serveOwnMetrics({
        place,
        log: logger,
        families: () => familiesOf(registratorMetrics, { registrator }),
      });
      registrator.start();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.all([registrator.stop(), metrics.stop()]);
      logger.info('stopped; registrations stay');
      return 0;
    } finally {
      target.close?.();
    }
  });
}

async function reach(
  target: Target,
  { attempts, interval }: RunRegistratorOptions['retry'],
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await target.ping(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (attempts >= 0 && attempt >= attempts) throw error;
      if (attempt === 0) logger.warn(`waiting for the registry: ${messageOf(error)}`);
      await sleep(wakefulClock, interval, signal);
    }
  }
}
