/** Servers as gobetween's REST API and `/dump` tell them: with all that their sections can have, whether it was written or not. */
import * as z from 'zod';
import { BACKEND_PATTERN } from '../../discovery/backend.ts';
import { JSON_PATHS } from '../../discovery/json.ts';
import type { PreparedServer } from './prepare.ts';
import { unwrapped } from './read.ts';
import { configSchema, type GobetweenConfig, serverSchema } from './schema.ts';

/** What settings of discovery are where the file does not say it. */
const USUAL: Readonly<Record<string, string>> = {
  srv_dns_protocol: 'udp',
  plaintext_regex_pattern: BACKEND_PATTERN,
  json_host_pattern: JSON_PATHS.host,
  json_port_pattern: JSON_PATHS.port,
  json_weight_pattern: JSON_PATHS.weight,
  json_priority_pattern: JSON_PATHS.priority,
  json_sni_pattern: JSON_PATHS.serverName,
  json_max_connections_pattern: JSON_PATHS.maxConnections,
};

/** Accepted for older files; gobetween 0.8 does not know them. */
const OLD = ['prefer_server_ciphers', 'consul_service_datacenter', 'ping_timeout_duration'];

type Section = Readonly<Record<string, unknown>>;

export function shownServer(server: PreparedServer): Section {
  const { sni, tls, backends_tls: backends, udp, access, proxy_protocol: proxy } = server;
  const { bind, protocol, balance, discovery, healthcheck } = server;
  const { shape } = serverSchema;
  return {
    max_connections: server.max_connections,
    client_idle_timeout: server.client_idle_timeout,
    backend_idle_timeout: server.backend_idle_timeout,
    backend_connection_timeout: server.backend_connection_timeout,
    bind,
    protocol,
    balance,
    sni: sni ?? null,
    tls: tls ? filled(shape.tls, tls) : null,
    backends_tls: backends ? filled(shape.backends_tls, backends) : null,
    udp: udp || protocol === 'udp' ? filled(shape.udp, udp ?? {}) : null,
    access: access ? filled(shape.access, access) : null,
    proxy_protocol: proxy ?? null,
    discovery: filled(shape.discovery, discovery, discovery.kind),
    healthcheck: filled(shape.healthcheck, healthcheck, healthcheck.kind),
  };
}

export function shownConfig(config: GobetweenConfig, servers: ReadonlyMap<string, PreparedServer>): Section {
  const { logging, api, metrics, defaults, acme = null, profiler = null } = config;
  return {
    logging,
    api: filled(configSchema.shape.api, api),
    metrics,
    defaults: filled(configSchema.shape.defaults, defaults),
    acme,
    profiler,
    servers: Object.fromEntries([...servers].map(([name, server]) => [name, shownServer(server)])),
  };
}

/** `kind`: settings of another kind are shown only where they were written. */
function filled(schema: z.core.$ZodType, section: Section, kind?: string): Section {
  const written = unwrapped(schema);
  if (!(written instanceof z.ZodObject)) return section;
  const shape = written.shape as Record<string, z.ZodType>;
  return Object.fromEntries(
    Object.entries(shape).flatMap(([key, field]) => {
      const value = section[key];
      if (value !== undefined && value !== '') return [[key, value]];
      const isOwn = kind === undefined || COMMON.includes(key) || key.startsWith(`${kind}_`);
      return value === undefined && (!isOwn || OLD.includes(key)) ? [] : [[key, USUAL[key] ?? zero(field)]];
    }),
  );
}

/** Of discovery and of health checks, whatever their kind. */
const COMMON = ['kind', 'failpolicy', 'interval', 'timeout', 'passes', 'fails', 'initial_status'];

/** What Go's programs show of what was not written. */
function zero(field: z.ZodType): unknown {
  return field.safeParse(undefined).data ?? ZEROS.find((value) => field.safeParse(value).success);
}

const ZEROS = [null, '', false, 0];
