/** A balancer from fabio's settings, in the foreground: started, kept until a signal, taken out of the registry, drained, stopped. */
import { startFabio } from '../agent/fabio/balancer.ts';
import { readFabioConfig } from '../agent/fabio/config.ts';
import { loadSettings } from '../agent/fabio/read.ts';
import { createLogger, stderrSink } from '../lib/log.ts';

export interface FabioOptions {
  /** Path or URL of the properties file; undefined: none. */
  readonly file: string | undefined;
  /** Settings from the command line, by name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFormat: 'pretty' | 'json';
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
/** What may still be in flight ends within so much (ms) when `proxy.shutdownwait` says nothing: fabio cuts it off at once. */
const LEAST_DRAIN = 1_000;

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runFabio({ file, flags, env, logFormat }: FabioOptions): Promise<number> {
  const text = file === undefined ? '' : await loadSettings(file);
  const { config, problems } = readFabioConfig({ flags, env, file: text });
  const log = createLogger({ level: config.logLevel, sink: stderrSink(logFormat) }).child('lb');
  for (const { place, message } of problems) log.warn(`${place}: ${message}`);
  let end = (): void => {};
  let ending = false;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending) {
      log.warn(`second signal (${signal}): ended at once`);
      process.exit(1);
    }
    ending = true;
    log.info(`${signal}: no more requests are taken, those in flight may finish`);
    end();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    const balancer = await startFabio(config, log);
    const { listeners, admin } = balancer;
    log.info('balancing', {
      listen: listeners.join(', '),
      registry: config.backend,
      strategy: config.strategy,
      ...(admin === undefined ? {} : { admin }),
    });
    await ended;
    await balancer.deregister();
    const grace = config.values['proxy.deregistergraceperiod'];
    if (grace > 0) await new Promise((resolve) => setTimeout(resolve, grace));
    await balancer.drain(Math.max(LEAST_DRAIN, config.values['proxy.shutdownwait']));
    await balancer.stop();
    return 0;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}
