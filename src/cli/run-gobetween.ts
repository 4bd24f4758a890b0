/** A gobetween configuration, in the foreground: read, started, kept until a signal, drained, stopped. */
import { readFileSync } from 'node:fs';
import { startGobetween } from '../agent/gobetween/balancer.ts';
import type { GobetweenFormat } from '../agent/gobetween/formats.ts';
import { readGobetween, substituteEnv } from '../agent/gobetween/read.ts';
import type { GobetweenConfig } from '../agent/gobetween/schema.ts';
import { fileTrouble, MusterError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { httpGet } from '../lib/http-get.ts';
import { createLogger, formatJson, formatPretty, type LogLevel, type LogSink } from '../lib/log.ts';
import { openLogFile } from '../lib/log-file.ts';
import { inForeground } from './foreground/foreground.ts';
import { writePidFile } from './pid-file.ts';

/** Where the configuration comes from. */
export type GobetweenOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'consul'; readonly host: string; readonly key: string; readonly scheme: string };

export interface GobetweenRun {
  readonly origin: GobetweenOrigin;
  readonly format: GobetweenFormat;
  /** Replace `${NAME}` by variables of the environment. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly pidFile: string | undefined;
  /** Milliseconds. */
  readonly drainTimeout: number;
}

/** Of a URL or a key. */
const FETCH_TIMEOUT = 30_000;

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runGobetween({
  origin,
  format,
  env,
  pidFile,
  drainTimeout,
}: GobetweenRun): Promise<number> {
  const startedAt = Date.now();
  const { name, text } = await fetchText(origin);
  const { value: config, warnings } = readGobetween(
    name,
    env === undefined ? text : substituteEnv(text, env),
    format,
  );
  const sink = openSink(config.logging);
  const log = createLogger({ level: levelOf(config.logging.level), sink: sink.write }).child('lb');
  for (const warning of warnings) log.warn(warning);
  return inForeground({ log }, async (foreground) => {
    await foreground.turn();
    const { sockets } = foreground;
    let removePidFile = () => {};
    const balancer = await startGobetween({ config, origin: { ...origin }, log, startedAt, sockets });
    try {
      removePidFile = writePidFile(pidFile);
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
      removePidFile();
      sink.close();
    }
  });
}

async function fetchText(origin: GobetweenOrigin): Promise<{ name: string; text: string }> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT);
  switch (origin.kind) {
    case 'file':
      try {
        return { name: origin.path, text: readFileSync(origin.path, 'utf8') };
      } catch (cause) {
        throw unreadable(origin.path, cause);
      }
    case 'url':
      try {
        return { name: origin.url, text: (await httpGet(origin.url, { signal })).body };
      } catch (cause) {
        throw unreadable(origin.url, cause);
      }
    case 'consul': {
      const { host, key, scheme } = origin;
      const name = `the key "${key}" of Consul at ${host}`;
      const path = key.split('/').map(encodeURIComponent).join('/');
      try {
        return { name, text: (await httpGet(`${scheme}://${host}/v1/kv/${path}?raw`, { signal })).body };
      } catch (cause) {
        throw unreadable(name, cause);
      }
    }
  }
}

function unreadable(what: string, cause: unknown): MusterError {
  return new MusterError('config.unreadable', `cannot read ${what}: ${fileTrouble(cause)}`, { cause });
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
