import { stringify } from 'smol-toml';
import type { BackendStats, GobetweenServers, ServerStats } from '../../api/gobetween/servers.ts';
import { isMusterError, MusterError } from '../../errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { L4Front } from '../l4/front.ts';
import type { InstanceStats } from '../l4/service.ts';
import { planServer } from './plan.ts';
import { type PreparedServer, prepareServer } from './prepare.ts';
import { readServer } from './read.ts';
import type { GobetweenConfig, WrittenServer } from './schema.ts';

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
    return Object.fromEntries([...this.#servers].map(([name, server]) => [name, shown(server)]));
  }

  get(name: string): unknown {
    const server = this.#servers.get(name);
    return server === undefined ? undefined : shown(server);
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
    const config = { ...this.#config, servers: Object.fromEntries(this.#servers) };
    if (format === 'json') return JSON.stringify(config, null, 4);
    // TOML has no null: what is not there is left out.
    if (format === 'toml') return stringify(withoutNull(config));
    throw new MusterError('request.invalid', `Unknown format ${format}`);
  }
}

/** Sections that are not there are null, as there. */
function shown(server: PreparedServer): unknown {
  const absent = { sni: null, tls: null, backends_tls: null, udp: null, access: null, proxy_protocol: null };
  return { ...absent, ...server };
}

function backendStats({ instance, ...stats }: InstanceStats): BackendStats {
  const { host, port, priority = 1, weight, maxConnections = 0, serverName = '' } = instance;
  return {
    host,
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

function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNull);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(kept.map(([key, one]) => [key, withoutNull(one)]));
}
