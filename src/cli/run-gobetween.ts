/** A gobetween configuration, in the foreground: read, started, kept until a signal, drained, stopped. */
import { startGobetween } from '../agent/gobetween/balancer.ts';
import type { GobetweenFormat } from '../agent/gobetween/formats.ts';
import { readGobetween, substituteEnv } from '../agent/gobetween/read.ts';
import type { GobetweenConfig } from '../agent/gobetween/schema.ts';
import { MusterError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { createLogger, formatJson, formatPretty, type LogLevel, type LogSink } from '../lib/log.ts';
import { openLogFile } from '../lib/log-file.ts';
import { inForeground } from './foreground/foreground.ts';
import { type GobetweenOrigin, textOf } from './gobetween-origin.ts';

export interface GobetweenRun {
  readonly origin: GobetweenOrigin;
  readonly format: GobetweenFormat;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replace `${NAME}` by variables of the environment. */
  readonly substitutes: boolean;
  readonly pidFile: string | undefined;
  /** Milliseconds. */
  readonly drainTimeout: number;
}

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runGobetween({
  origin,
  format,
  env,
  substitutes,
  pidFile,
  drainTimeout,
}: GobetweenRun): Promise<number> {
  const startedAt = Date.now();
  const { name, text } = await textOf(origin, env);
  const { value: config, warnings } = readGobetween(
    name,
    substitutes ? substituteEnv(text, env) : text,
    format,
  );
  const sink = openSink(config.logging);
  const log = createLogger({ level: levelOf(config.logging.level), sink: sink.write }).child('lb');
  for (const warning of warnings) log.warn(warning);
  return inForeground({ log, pidFile }, async (foreground) => {
    await foreground.turn();
    const { sockets } = foreground;
    const balancer = await startGobetween({ config, origin: { ...origin }, log, startedAt, sockets });
    try {
      const place = ({ host, port }: { host: string; port: number }) => formatHostPort(host, port);
      log.info('balancing', {
        servers: Object.keys(config.servers).join(', '),
        ...(balancer.api === undefined ? {} : { api: place(balancer.api) }),
        ...(balancer.metrics === undefined ? {} : { metrics: place(balancer.metrics) }),
      });
      await foreground.serving();
      const { isReplaced } = await foreground.ended;
      await balancer.drain({ patience: drainTimeout, isReplaced });
      return 0;
    } finally {
      await balancer.stop();
      sink.close();
    }
  });
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  '': 'info',
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

function levelOf(text: string): LogLevel {
  const level = LEVELS[text.toLowerCase()];
  if (level !== undefined) return level;
  throw new MusterError(
    'config.invalid',
    `logging.level: expected one of debug, info, warn, error, got "${text}"`,
  );
}

function openSink({ output, format }: GobetweenConfig['logging']): { write: LogSink; close: () => void } {
  const written = format === 'json' ? formatJson : formatPretty;
  if (output === '' || output === 'stdout')
    return { write: (line) => void process.stdout.write(written(line)), close() {} };
  if (output === 'stderr') return { write: (line) => void process.stderr.write(written(line)), close() {} };
  // Others look after its size, as with gobetween.
  const file = openLogFile({ path: output, rotateBytes: 0, rotateAfter: 0, keep: 0 }, systemClock);
  return { write: (line) => file.write(written(line)), close: () => file.close() };
}
