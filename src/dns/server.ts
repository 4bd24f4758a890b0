import type { Acl } from '../acl/acl.ts';
import { ALLOW_ALL } from '../acl/authorizer.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { listenError, messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { joinLabels } from '../lib/dns/message.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { type Logger, silentLogger } from '../lib/log.ts';
import type { Sockets } from '../lib/sockets.ts';
import { Answers } from './answers.ts';
import { DnsCounts } from './counts.ts';
import { Forwarder } from './forward/forwarder.ts';
import { DEFAULT_DNS_OPTIONS, type DnsOptions, forwardOptionsOf } from './options.ts';
import { createResponder, type Responder } from './respond.ts';
import { ReverseIndex } from './reverse.ts';
import { DEFAULT_TCP_LIMITS, startTcp, type TcpLimits, type TcpServer } from './tcp.ts';
import { startUdp, type UdpServer } from './udp.ts';
import { DnsZone } from './zone.ts';

export interface DnsServerOptions {
  catalog: Catalog;
  /** Default 127.0.0.1: nobody else is answered unless told otherwise. */
  host?: string;
  /** UDP and TCP. Default 8600, as Consul's; 0 for any that is free for both. */
  port?: number;
  datacenter?: string;
  domain?: string;
  /** A second domain with the same names, or "". */
  altDomain?: string;
  /** The node this runs on. */
  node: { name: string; address: string };
  options?: Partial<DnsOptions>;
  /** Access control; without it everything is shown to everybody. */
  access?: Pick<Acl, 'authorizer'>;
  tcp?: Partial<TcpLimits>;
  /** In [0, 1): the order of instances. */
  random?: () => number;
  clock?: Clock;
  logger?: Logger;
  /** Those of the process. */
  sockets?: Sockets | undefined;
  /** Where answers are counted. */
  counts?: DnsCounts;
}

export interface Dns {
  /** "host:port", the same for UDP and TCP. */
  readonly address: string;
  readonly port: number;
  /** Takes no more questions but those on open connections: another process has the sockets. */
  leave(): void;
  stop(): Promise<void>;
}

const OPEN: Pick<Acl, 'authorizer'> = { authorizer: () => ALLOW_ALL };

/** Ports tried when any will do: one that is free for TCP may be taken for UDP. */
const PORT_ATTEMPTS = 20;

/** Answers questions about the catalog. Throws `listen.*` or `config.invalid`. */
export async function startDns(given: DnsServerOptions): Promise<Dns> {
  const { catalog, node, host = '127.0.0.1', port = 8600, clock = systemClock } = given;
  const {
    access = OPEN,
    datacenter = 'dc1',
    domain = 'consul',
    altDomain = '',
    random = Math.random,
  } = given;
  const logger = (given.logger ?? silentLogger).child('dns');
  const options = { ...DEFAULT_DNS_OPTIONS, ...given.options };
  const instanceNames = options.srvTargets === 'instance';
  const zone = new DnsZone({ domain, altDomain, datacenter, instanceNames });
  const reverse = new ReverseIndex(catalog);
  const forwardOptions = forwardOptionsOf(options);
  const recursion = forwardOptions !== undefined;
  const answers = new Answers({ catalog, access, zone, options, node, reverse, recursion });
  const forwarder =
    forwardOptions &&
    new Forwarder({
      options: forwardOptions,
      clock,
      random,
      logger,
      whole: async (packet, asker) => {
        const answer = await respond(packet, false, asker);
        return answer && Buffer.from(answer);
      },
    });
  const onError = (error: unknown) => logger.error('a question failed', { error: messageOf(error) });
  const respond: Responder = createResponder({
    answers,
    forwarder,
    ownDomains: zone.domains.map((labels) => joinLabels(labels.map((label) => Buffer.from(label)))),
    limits: options,
    random,
    clock,
    onError,
  });
  const limits = { ...DEFAULT_TCP_LIMITS, ...given.tcp };

  let listeners: { tcp: TcpServer; udp: UdpServer };
  try {
    listeners = await listen((given.counts ?? new DnsCounts()).around(respond), {
      host,
      port,
      limits,
      clock,
      logger,
      sockets: given.sockets,
    });
  } catch (cause) {
    forwarder?.stop();
    answers.stop();
    throw listenError('DNS', formatHostPort(host, port), cause);
  }
  const { tcp, udp } = listeners;
  const address = formatHostPort(host, tcp.port);
  logger.info('listening', { address, domain });
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    forwarder?.stop();
    await Promise.all([tcp.stop(), udp.stop()]);
    answers.stop();
  };
  const leave = () => {
    tcp.leave();
    udp.leave();
  };
  return { address, port: tcp.port, leave, stop: () => (stopped ??= stop()) };
}

export interface ListenOptions {
  host: string;
  port: number;
  limits: TcpLimits;
  clock: Clock;
  logger: Logger;
  sockets?: Sockets | undefined;
}

/** Both transports on one port. Rejects with what the system says. */
export async function listen(
  respond: Responder,
  options: ListenOptions,
): Promise<{ tcp: TcpServer; udp: UdpServer }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await startTcp(respond, options);
    try {
      const udp = await startUdp(respond, { ...options, port: tcp.port });
      return { tcp, udp };
    } catch (error) {
      await tcp.stop();
      if (options.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
