/** Services of the catalog as TCP and UDP services. */
import { readFileSync } from 'node:fs';
import type { ConnectionsView } from '../../api/muster/wire-answers.ts';
import type { TargetTls } from '../../balance/balancer.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { fold } from '../../catalog/tables.ts';
import { followCatalog } from '../../discovery/catalog.ts';
import type { DiscoveredInstance, Discovery, InstanceListener } from '../../discovery/instance.ts';
import { fileTrouble, MusterError } from '../../errors.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import type { Sockets } from '../../lib/sockets.ts';
import { parseAccessRule } from '../../proxy/access.ts';
import { DEFAULT_TLS } from '../../proxy/tls/spec.ts';
import { readPoolOptions } from '../../route/pool-options.ts';
import { type CertificatesConfig, sourceOf } from '../config/listeners.ts';
import type { BalancedServiceConfig } from '../config/tcp-services.ts';
import { L4Front } from './front.ts';
import type { L4Plan } from './plan.ts';
import type { L4Service, ServiceStats } from './service.ts';

/** TCP and UDP services of the catalog that are balanced. */
export interface BalancedServices {
  readonly front: L4Front;
  /** Each with its protocol in front: "tcp://127.0.0.1:5000". */
  readonly addresses: readonly string[];
  /** Who holds how many connections now. */
  connections(): ConnectionsView[];
}

export interface ServicesOptions {
  readonly catalog: Catalog;
  readonly certificates: readonly CertificatesConfig[];
  /** Where the balancer stands; "": nowhere in particular. */
  readonly zone: string;
  readonly log: Logger;
  readonly sockets?: Sockets | undefined;
}

/** Throws `listen.*`; nothing is left running then. Undefined when there is no such service. */
export async function startServices(
  services: readonly BalancedServiceConfig[],
  options: ServicesOptions,
): Promise<BalancedServices | undefined> {
  if (services.length === 0) return undefined;
  const { catalog, log, sockets } = options;
  const front = await L4Front.start({ log, sockets, catalog });
  try {
    const opened: { config: BalancedServiceConfig; service: L4Service; address: string }[] = [];
    for (const config of services) {
      const { service, address } = await front.open(planOf(config, options));
      opened.push({ config, service, address: formatHostPort(address.host, address.port) });
    }
    return {
      front,
      addresses: opened.map(({ config, address }) => `${config.protocol}://${address}`),
      connections: () =>
        opened.map(({ config, service, address }) => connectionsOf(config, address, service.stats())),
    };
  } catch (error) {
    await front.stop();
    throw error;
  }
}

function planOf(
  config: BalancedServiceConfig,
  { catalog, certificates, zone }: Pick<ServicesOptions, 'catalog' | 'certificates' | 'zone'>,
): L4Plan {
  const { name, address, protocol, tag, strategy, access, accessDefault, idleTimeout } = config;
  const allowOthers = accessDefault === 'allow';
  const rules = access.flatMap((rule) => parseAccessRule(rule) ?? []);
  const most = config.maxConnections;
  const idle = idleTimeout === undefined ? {} : { clientIdleTimeout: idleTimeout };
  return {
    name: `${name} at ${address}`,
    listen: parseHostPort(address)!,
    listener:
      protocol === 'udp'
        ? {
            protocol,
            access: { rules, allowOthers },
            limits: {
              ...idle,
              maxResponses: config.maxResponses,
              ...(most > 0 ? { maxSessions: most } : {}),
            },
          }
        : {
            protocol,
            access: { rules, allowOthers },
            acceptProxy: config.acceptProxy,
            sendProxy: config.sendProxy,
            limits: {
              connectTimeout: config.connectTimeout,
              waitTimeout: config.waitTimeout,
              ...idle,
              ...(idleTimeout === undefined ? {} : { upstreamIdleTimeout: idleTimeout }),
              ...(most > 0 ? { maxConnections: most } : {}),
            },
          },
    strategy,
    isWeighted: true,
    tls: config.certificates === undefined ? undefined : terminated(config.certificates, certificates),
    upstreamTls: upstreamTlsOf(config),
    options: readPoolOptions(config.options),
    zone,
    discover: (listener) => followService(catalog, { name, tag }, listener),
  };
}

function terminated(store: string, certificates: readonly CertificatesConfig[]): L4Plan['tls'] {
  const sources = certificates.filter(({ name }) => name === store);
  const hasClientCa = sources.some(({ clientCa }) => clientCa !== undefined);
  return {
    // What is inside is not ours to agree upon.
    settings: { ...DEFAULT_TLS, alpn: [], clientAuth: hasClientCa ? 'required' : 'none' },
    sources: sources.map(sourceOf),
  };
}

/** Throws `config.unreadable`. */
function upstreamTlsOf({ name, upstreamTls: tls }: BalancedServiceConfig): TargetTls | undefined {
  if (tls === undefined) return undefined;
  const { verify, serverName, ca, cert, key = cert } = tls;
  const text = (part: string, path: string | undefined) => {
    if (path === undefined) return {};
    try {
      return { [part]: readFileSync(path, 'utf8') };
    } catch (cause) {
      const place = `balancer.service "${name}": upstream_tls.${part}`;
      throw new MusterError('config.unreadable', `${place}: cannot read ${path}: ${fileTrouble(cause)}`, {
        cause,
      });
    }
  };
  return {
    verify,
    ...(serverName === undefined ? {} : { serverName }),
    ...text('ca', ca),
    ...text('cert', cert),
    ...text('key', key),
  };
}

function connectionsOf(
  { name, protocol }: BalancedServiceConfig,
  address: string,
  { active, instances }: ServiceStats,
): ConnectionsView {
  return {
    service: name,
    protocol,
    address,
    active,
    instances: instances.map(({ instance, isDiscovered, ...counts }) => ({
      id: instance.serviceId,
      node: instance.node,
      address: formatHostPort(instance.host, instance.port),
      // What is gone may hold connections that are not over yet.
      reason: isDiscovered ? instance.out : 'it is not registered any more',
      active: counts.active,
      connections: counts.connections,
      refused: counts.refused,
    })),
  };
}

/** The instances of one service, with a tag unless that is "". Names of services are compared as the catalog does. */
export function followService(
  catalog: Catalog,
  { name, tag }: { name: string; tag: string },
  listener: InstanceListener,
): Discovery {
  const wanted = fold(name);
  const mine = (instance: DiscoveredInstance | undefined) =>
    instance !== undefined &&
    fold(instance.service) === wanted &&
    instance.port > 0 &&
    (tag === '' || instance.tags.includes(tag))
      ? instance
      : undefined;
  const all = followCatalog({ catalog }, (changes) => {
    const ours = changes
      .map(({ id, before, after }) => ({ id, before: mine(before), after: mine(after) }))
      .filter(({ before, after }) => before !== undefined || after !== undefined);
    if (ours.length > 0) listener(ours);
  });
  return {
    *instances() {
      for (const instance of all.instances()) if (mine(instance) !== undefined) yield instance;
    },
    resync: () => all.resync(),
    stop: () => all.stop(),
  };
}
