/** A balancer from fabio's settings, in the foreground: started, kept until a signal, taken out of the registry, drained, stopped. */
import { startFabio } from '../agent/fabio/balancer.ts';
import { readFabioConfig } from '../agent/fabio/config.ts';
import { loadSettings } from '../agent/fabio/read.ts';
import { createLogger, stderrSink } from '../lib/log.ts';
import { inForeground } from './foreground/foreground.ts';
import { lbTelemetry, type TelemetryChoice } from './lb-telemetry.ts';

export interface FabioOptions {
  /** Path or URL of the properties file; undefined: none. */
  readonly file: string | undefined;
  /** Settings from the command line, by name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pidFile: string | undefined;
  /** Undefined: one for each core. */
  readonly workers: number | undefined;
  readonly logFormat: 'pretty' | 'json';
  readonly telemetry: TelemetryChoice;
}

/** What may still be in flight ends within so much (ms) when `proxy.shutdownwait` says nothing: fabio cuts it off at once. */
const LEAST_DRAIN = 1_000;

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runFabio({
  file,
  flags,
  env,
  pidFile,
  workers,
  logFormat,
  telemetry: choice,
}: FabioOptions): Promise<number> {
  const text = file === undefined ? '' : await loadSettings(file);
  const { config, problems } = readFabioConfig({ flags, env, file: text });
  const log = createLogger({ level: config.logLevel, sink: stderrSink(logFormat) }).child('lb');
  for (const { place, message } of problems) log.warn(`${place}: ${message}`);
  return inForeground({ log, pidFile }, async (foreground) => {
    await foreground.turn();
    const telemetry = lbTelemetry(choice, env, log.child('telemetry'));
    const balancer = await startFabio(config, log, {
      sockets: foreground.sockets,
      tracing: telemetry.tracing,
      workers,
      stickyKey: foreground.secret,
      signal: foreground.signal,
    });
    try {
      const { listeners, admin } = balancer;
      log.info('balancing', {
        listen: listeners.join(', '),
        registry: config.backend,
        strategy: config.strategy,
        ...(admin === undefined ? {} : { admin }),
      });
      await foreground.serving();
      const { isReplaced } = await foreground.ended;
      // The registration is the other process's then.
      if (isReplaced) balancer.release();
      else await balancer.deregister();
      const grace = isReplaced ? 0 : config.values['proxy.deregistergraceperiod'];
      if (grace > 0) await new Promise((resolve) => setTimeout(resolve, grace));
      const patience = Math.max(LEAST_DRAIN, config.values['proxy.shutdownwait']);
      await balancer.drain({ patience, isReplaced });
      return 0;
    } finally {
      await balancer.stop();
      await telemetry.stop();
    }
  });
}
