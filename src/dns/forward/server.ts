import { messageOf } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { RCODE } from '../../lib/dns/numbers.ts';
import { emptyQuery, IGNORE, readQuery } from '../../lib/dns/query.ts';
import type { HostPort } from '../../lib/host-port.ts';
import { type Logger, silentLogger } from '../../lib/log.ts';
import type { Sockets } from '../../lib/sockets.ts';
import { refuse, refuseVersion, roomFor } from '../assemble.ts';
import { DnsCounts } from '../counts.ts';
import { type Dns, listen } from '../listen.ts';
import type { Responder } from '../respond.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../tcp.ts';
import { Forwarder } from './forwarder.ts';
import { DEFAULT_FORWARD_OPTIONS, type ForwardOptions } from './options.ts';

export interface ForwardServerOptions {
  /** Where to listen, UDP and TCP; port 0 takes one that is free for both. */
  listen: readonly HostPort[];
  options?: Partial<ForwardOptions>;
  tcp?: Partial<TcpLimits>;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
  /** Numbers of questions to others; for tests. */
  questionId?: () => number;
  logger?: Logger;
  /** Where answers are counted. */
  counts?: DnsCounts;
  /** Those of the process. */
  sockets?: Sockets | undefined;
}

export interface ForwardServer {
  /** The one at work. */
  readonly forwarder: Forwarder;
  /** Goes on with other options; questions under way are given up, what was kept is forgotten. */
  reload(options: Partial<ForwardOptions>): void;
  /** "host:port", as many as there are places to listen. */
  readonly addresses: readonly string[];
  /** Of the first. */
  readonly port: number;
  /** Takes no more questions but those on open connections: another process has the sockets. */
  leave(): void;
  stop(): Promise<void>;
}

/** A name server without a catalog of its own. Throws `listen.*`. */
export async function startForwardServer(given: ForwardServerOptions): Promise<ForwardServer> {
  const { clock = systemClock, random = Math.random, questionId } = given;
  const { counts = new DnsCounts() } = given;
  const logger = (given.logger ?? silentLogger).child('dns');
  const make = (options: Partial<ForwardOptions> = {}) =>
    new Forwarder({
      options: { ...DEFAULT_FORWARD_OPTIONS, ...options },
      counts: counts.forward,
      clock,
      random,
      logger,
      ...(questionId === undefined ? {} : { questionId }),
    });
  let forwarder = make(given.options);
  const respond = counts.around(
    responderOf(
      () => forwarder,
      (error) => logger.error('a question failed', { error: messageOf(error) }),
    ),
  );
  const limits = { ...DEFAULT_TCP_LIMITS, ...given.tcp };
  const open: Dns[] = [];
  const stop = async () => {
    forwarder.stop();
    await Promise.all(open.map((one) => one.stop()));
  };
  for (const { host, port } of given.listen) {
    try {
      open.push(await listen(respond, { host, port, limits, clock, logger, sockets: given.sockets }));
    } catch (error) {
      await stop();
      throw error;
    }
  }
  let stopped: Promise<void> | undefined;
  return {
    get forwarder() {
      return forwarder;
    },
    reload(options) {
      const old = forwarder;
      forwarder = make(options);
      old.stop();
    },
    addresses: open.map(({ address }) => address),
    port: open[0]?.port ?? 0,
    leave() {
      for (const one of open) one.leave();
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Packet in, packet out. Never throws, whatever the packet. */
function responderOf(forwarder: () => Forwarder, onError: (error: unknown) => void): Responder {
  const query = emptyQuery();
  const overUdp = { udp: true };
  const overTcp = { udp: false };
  return (packet, udp, asker) => {
    try {
      query.asker = asker;
      const verdict = readQuery(packet, query);
      if (verdict === IGNORE) return undefined;
      if (verdict === RCODE.BADVERS) return refuseVersion(packet, query);
      if (verdict !== RCODE.NOERROR) return refuse(query, verdict);
      // Not the network that the asker named: limits are for whom we see.
      query.asker = asker;
      return forwarder().answer(packet, query, roomFor(query, udp ? overUdp : overTcp));
    } catch (error) {
      onError(error);
      return refuse(query, RCODE.SERVFAIL);
    }
  };
}
