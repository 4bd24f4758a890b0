import { stringify } from 'smol-toml';
import type { BackendStats, GobetweenServers, ServerStats } from '../../api/gobetween/servers.ts';
import { isMusterError, MusterError } from '../../errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatHost, formatHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { L4Front } from '../l4/front.ts';
import type { InstanceStats } from '../l4/service.ts';
import { planServer } from './plan.ts';
import { type PreparedServer, prepareServer } from './prepare.ts';
import { readServer } from './read.ts';
import type { GobetweenConfig, WrittenServer } from './schema.ts';
import { shownConfig, shownServer } from './shown.ts';
import { withoutNull } from './without-null.ts';

/** The servers of a gobetween configuration, as they run. */
export class Servers implements GobetweenServers {
  readonly #front: L4Front;
  readonly #config: GobetweenConfig;
  readonly #log: Logger;
  readonly #servers = new Map<string, PreparedServer>();

  constructor(front: L4Front, config: GobetweenConfig, log: Logger) {
    this.#front = front;
    this.#config = config;
    this.#log = log;
  }

  /** Starts one that is not there yet. Throws `config.*`, `tls.*`, `listen.*`. */
  async start(name: string, written: WrittenServer): Promise<void> {
    const server = prepareServer(name, written, this.#config.defaults);
    const log = this.#log.child(name);
    const plan = planServer(name, server, { clock: systemClock, random: Math.random, log });
    const { address } = await this.#front.open(plan);
    this.#servers.set(name, server);
    log.info('listening', {
      bind: formatHostPort(address.host, address.port),
      protocol: server.protocol,
      balance: server.balance,
      discovery: server.discovery.kind,
      healthcheck: server.healthcheck.kind,
    });
  }

  all(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#servers].map(([name, server]) => [name, shownServer(server)]));
  }

  get(name: string): unknown {
    const server = this.#servers.get(name);
    return server === undefined ? undefined : shownServer(server);
  }

  async create(name: string, value: unknown): Promise<void> {
    let written: WrittenServer;
    try {
      const { value: server, warnings } = readServer(value);
      written = server;
      for (const warning of warnings) this.#log.warn(warning);
    } catch (error) {
      if (!isMusterError(error, 'config.invalid')) throw error;
      throw new MusterError('request.invalid', error.message, { cause: error });
    }
    await this.start(name, written);
  }

  delete(name: string): void {
    if (!this.#servers.delete(name)) return;
    this.#front.close(name);
    this.#log.info('server deleted', { server: name });
  }

  stats(name: string): ServerStats | undefined {
    const opened = this.#servers.has(name) ? this.#front.services.get(name) : undefined;
    if (opened === undefined) return undefined;
    const { active, received, transmitted, receivedPerSecond, transmittedPerSecond, instances } =
      opened.service.stats();
    return {
      active_connections: active,
      rx_total: received,
      tx_total: transmitted,
      rx_second: receivedPerSecond,
      tx_second: transmittedPerSecond,
      backends: instances.map(backendStats),
    };
  }

  dump(format: string): string {
    const config = shownConfig(this.#config, this.#servers);
    if (format === 'json') return JSON.stringify(config, null, 4);
    // TOML has no null: what is not there is left out.
    if (format === 'toml') return stringify(withoutNull(config));
    throw new MusterError('request.invalid', `Unknown format ${format}`);
  }
}

function backendStats({ instance, ...stats }: InstanceStats): BackendStats {
  const { host, port, priority = 1, weight, maxConnections = 0, serverName = '' } = instance;
  return {
    host: formatHost(host),
    port: `${port}`,
    priority,
    weight,
    ...(maxConnections > 0 ? { max_connections: maxConnections } : {}),
    ...(serverName === '' ? {} : { sni: serverName }),
    stats: {
      live: stats.isLive,
      discovered: stats.isDiscovered,
      total_connections: stats.connections,
      active_connections: stats.active,
      refused_connections: stats.refused,
      rx: stats.received,
      tx: stats.transmitted,
      rx_second: stats.receivedPerSecond,
      tx_second: stats.transmittedPerSecond,
    },
  };
}
