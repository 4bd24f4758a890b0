import type { Acl } from '../acl/acl.ts';
import { ALLOW_ALL } from '../acl/authorizer.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { messageOf } from '../errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { joinLabels } from '../lib/dns/message.ts';
import { type Logger, silentLogger } from '../lib/log.ts';
import type { Sockets } from '../lib/sockets.ts';
import { Answers } from './answers.ts';
import { DnsCounts } from './counts.ts';
import { Forwarder } from './forward/forwarder.ts';
import { type Dns, listen } from './listen.ts';
import { DEFAULT_DNS_OPTIONS, type DnsOptions, forwardOptionsOf } from './options.ts';
import { createResponder, type Responder } from './respond.ts';
import { ReverseIndex } from './reverse.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from './tcp.ts';
import { DnsZone } from './zone.ts';

export interface DnsServerOptions {
  catalog: Catalog;
  /** Whether there is something in the catalog by now; always, unless told otherwise. */
  isReadable?: () => boolean;
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

const OPEN: Pick<Acl, 'authorizer'> = { authorizer: () => ALLOW_ALL };

/** Answers questions about the catalog. Throws `listen.*` or `config.invalid`. */
export async function startDns(given: DnsServerOptions): Promise<Dns> {
  const { catalog, node, host = '127.0.0.1', port = 8600, clock = systemClock } = given;
  const {
    access = OPEN,
    datacenter = 'dc1',
    domain = 'consul',
    altDomain = '',
    random = Math.random,
    isReadable = () => true,
  } = given;
  const logger = (given.logger ?? silentLogger).child('dns');
  const options = { ...DEFAULT_DNS_OPTIONS, ...given.options };
  const instanceNames = options.srvTargets === 'instance';
  const zone = new DnsZone({ domain, altDomain, datacenter, instanceNames });
  const reverse = new ReverseIndex(catalog);
  const forwardOptions = forwardOptionsOf(options);
  const recursion = forwardOptions !== undefined;
  const answers = new Answers({ catalog, access, zone, options, node, reverse, recursion });
  const { counts = new DnsCounts() } = given;
  const forwarder =
    forwardOptions &&
    new Forwarder({
      options: forwardOptions,
      counts: counts.forward,
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
    isReadable,
    limits: options,
    random,
    clock,
    onError,
  });
  const limits = { ...DEFAULT_TCP_LIMITS, ...given.tcp };

  const counted = counts.around(respond);
  let listener: Dns;
  try {
    listener = await listen(counted, { host, port, limits, clock, logger, sockets: given.sockets });
  } catch (error) {
    forwarder?.stop();
    answers.stop();
    throw error;
  }
  logger.info('listening', { address: listener.address, domain });
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    forwarder?.stop();
    await listener.stop();
    answers.stop();
  };
  return { ...listener, stop: () => (stopped ??= stop()) };
}
