/** A forwarding name server in the foreground: started, kept until a signal, stopped. */
import { readFileSync, statSync } from 'node:fs';
import { dnsMetrics } from '../agent/metrics/dns.ts';
import { familiesOf } from '../agent/metrics/metric.ts';
import { DnsCounts } from '../dns/counts.ts';
import { type DnsmasqSettings, readDnsmasq, readDnsmasqLines, serversIn } from '../dns/forward/dnsmasq.ts';
import type { ForwardOptions } from '../dns/forward/options.ts';
import { startForwardServer } from '../dns/forward/server.ts';
import { fileTrouble, MusterError, messageOf } from '../errors.ts';
import { pause, sleep, wakefulClock } from '../lib/clock.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../lib/host-port.ts';
import { createLogger, type Logger, stderrSink } from '../lib/log.ts';
import { inForeground } from './foreground/foreground.ts';
import type { LogChoice } from './log-flags.ts';
import { serveOwnMetrics } from './own-metrics.ts';

export interface RunDnsOptions {
  readonly confFile: string | undefined;
  readonly listen: readonly string[] | undefined;
  /** "host:port"; "" for none. */
  readonly consul: string | undefined;
  /** As `server=` and `address=` of dnsmasq have them. */
  readonly servers: readonly string[] | undefined;
  readonly addresses: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly options: Partial<ForwardOptions>;
  readonly log: LogChoice;
  readonly metrics: HostPort | undefined;
}

const CONSUL: HostPort = { host: '127.0.0.1', port: 8600 };
const DNS_PORT = 53;
/** How often the files that say whom to ask are looked at. */
const LOOK_EVERY = 2_000;
/** What other name servers still owe when another process has taken over; then the askers ask again. */
const LATE_ANSWERS = 5_000;

/** Resolves with exit code 0 after a signal. Throws `usage`, `config.unreadable` or `listen.*`. */
export async function runDns(given: RunDnsOptions): Promise<number> {
  const logger = createLogger({ level: given.log.level, sink: stderrSink(given.log.format) });
  // Stamps are taken before what they stand for is read: what changes meanwhile is read again.
  const stamp = stampOf(given.confFile);
  let settings = settingsOf(given);
  let seen = `${stamp}|${stampOf(settings.resolvFile)}`;
  warn(settings, logger);
  const listen = placesOf(given, settings);
  const own = listen.map(({ host, port }) => formatHostPort(host, port));
  let reload = (): void => {};
  return inForeground({ log: logger, onHangUp: () => reload() }, async (foreground) => {
    await foreground.turn();
    const { sockets, signal } = foreground;
    const counts = new DnsCounts();
    const metrics = await serveOwnMetrics({
      place: given.metrics,
      log: logger,
      sockets,
      families: () => familiesOf(dnsMetrics, { dns: counts }),
    });
    const server = await startForwardServer({
      listen,
      counts,
      options: optionsOf(given, settings, own),
      clock: wakefulClock,
      logger,
      sockets,
    });
    logger.child('dns').info('answering', { listen: server.addresses.join(', ') });
    reload = () => {
      seen = stampsOf(given, settings);
      try {
        settings = settingsOf(given);
        warn(settings, logger);
        server.reload(optionsOf(given, settings, own));
        logger.child('dns').info('the configuration was read again');
      } catch (error) {
        logger.child('dns').warn(`the configuration stays as it is: ${messageOf(error)}`);
      }
    };
    try {
      await foreground.serving();
      while (!signal.aborted) {
        await sleep(wakefulClock, LOOK_EVERY, signal);
        if (!signal.aborted && stampsOf(given, settings) !== seen) reload();
      }
      const { isReplaced } = await foreground.ended;
      if (isReplaced) {
        server.leave();
        await pause(wakefulClock, LATE_ANSWERS);
      }
    } finally {
      await Promise.all([server.stop(), metrics.stop()]);
    }
    return 0;
  });
}

function settingsOf({ confFile, servers = [], addresses = [] }: RunDnsOptions): DnsmasqSettings {
  const lines = [...servers.map((one) => `server=${one}`), ...addresses.map((one) => `address=${one}`)];
  const fromFlags = readDnsmasqLines(lines);
  if (fromFlags.warnings.length > 0)
    throw new MusterError('usage', fromFlags.warnings.map((one) => one.replace(/^[^ ]* /, '-')).join('; '));
  if (confFile === undefined) return fromFlags;
  let file: DnsmasqSettings;
  try {
    file = readDnsmasq(confFile);
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read ${confFile}: ${fileTrouble(cause)}`, { cause });
  }
  const { options } = fromFlags;
  const more = <T>(ours: readonly T[] = [], theirs: readonly T[] = []) => [...ours, ...theirs];
  return {
    ...file,
    options: {
      ...file.options,
      servers: more(options.servers, options.servers?.length ? [] : file.options.servers),
      routes: more(file.options.routes, options.routes),
      addresses: more(file.options.addresses, options.addresses),
    },
  };
}

function placesOf({ listen, confFile }: RunDnsOptions, settings: DnsmasqSettings): HostPort[] {
  const port = settings.port ?? DNS_PORT;
  const places = listen ?? settings.listen.map((host) => formatHostPort(host, port));
  if (places.length === 0) return [{ host: '127.0.0.1', port: confFile === undefined ? DNS_PORT : port }];
  return places.map((text) => {
    const place = parseHostPort(text);
    if (place === undefined)
      throw new MusterError('usage', `-listen: expected host:port such as 127.0.0.1:53, got "${text}"`);
    return { ...place, host: place.host === '' ? '0.0.0.0' : place.host };
  });
}

function optionsOf(
  given: RunDnsOptions,
  settings: DnsmasqSettings,
  own: readonly string[],
): Partial<ForwardOptions> {
  const { options, resolvFile } = settings;
  const routes = options.routes ?? [];
  const registry = given.consul === undefined ? CONSUL : parseHostPort(given.consul);
  if (registry === undefined && given.consul !== '')
    throw new MusterError(
      'usage',
      `-consul: expected host:port such as 127.0.0.1:8600, got "${given.consul}"`,
    );
  const hasConsul = routes.some(({ domain }) => domain.toLowerCase() === 'consul');
  // Whoever has a configuration of dnsmasq said there whether there is a registry.
  const needsConsul =
    !hasConsul && registry !== undefined && (given.confFile === undefined || given.consul !== undefined);
  const servers = options.servers?.length ? options.servers : systemServers(resolvFile, own);
  return {
    ...options,
    hosts: given.hosts ?? (given.confFile === undefined ? ['/etc/hosts'] : (options.hosts ?? [])),
    ...given.options,
    servers,
    routes: needsConsul ? [...routes, { domain: 'consul', route: [registry] }] : routes,
  };
}

function systemServers(resolvFile: string | undefined, own: readonly string[]): HostPort[] {
  if (resolvFile === undefined) return [];
  try {
    return serversIn(readFileSync(resolvFile, 'utf8'), own);
  } catch {
    // A machine without one knows nobody to ask.
    return [];
  }
}

/** Changes when one of the files does that say whom to ask. */
function stampsOf({ confFile }: RunDnsOptions, { resolvFile }: DnsmasqSettings): string {
  return `${stampOf(confFile)}|${stampOf(resolvFile)}`;
}

/** "": it is not there. */
function stampOf(path: string | undefined): string {
  try {
    const { mtimeMs, size, ino } = statSync(path ?? '');
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

function warn({ warnings }: DnsmasqSettings, logger: Logger): void {
  for (const warning of warnings) logger.child('dns').warn(warning);
}
