import type { Clock } from '../lib/clock.ts';
import { RCODE } from '../lib/dns/numbers.ts';
import { emptyQuery, IGNORE, type Query, readQuery } from '../lib/dns/query.ts';
import type { Answers } from './answers.ts';
import { assemble, type Limits, refuse, refuseVersion, roomFor, type Transport } from './assemble.ts';
import { Elsewhere } from './elsewhere.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { type Prepared, prepare, stampSerial } from './prepared.ts';
import { FORWARD } from './zone-plan.ts';

/**
 * Bytes that answer `packet`, valid until the next call; a promise of bytes of its own, which never rejects, when others
 * must be asked; undefined when nothing should be answered. `asker` is the address it came from.
 */
export type Responder = (
  packet: Uint8Array,
  udp: boolean,
  asker: string,
) => Buffer | Promise<Buffer> | undefined;

/** Packet in, packet out: all that the two transports share. Never throws, whatever the packet. */
export function createResponder({
  answers,
  forwarder,
  ownDomains,
  isReadable,
  limits,
  random,
  clock,
  onError,
}: {
  answers: Answers;
  /** Answers what the catalog does not. */
  forwarder: Forwarder | undefined;
  /** Domains that the catalog answers, in bytes, in lower case: it is not asked about others. */
  ownDomains: readonly Buffer[];
  /** Whether there is a catalog by now. Until then its names are answered SERVFAIL, which says nothing of what there is. */
  isReadable: () => boolean;
  limits: Limits;
  random: () => number;
  clock: Clock;
  /** Told of what should not happen; the asker gets SERVFAIL. */
  onError: (error: unknown) => void;
}): Responder {
  const query = emptyQuery();
  const recursion = forwarder !== undefined;
  // Addresses (PTR) are looked for in the catalog first.
  const zones = ownDomains.map((name) => name.toString('latin1'));
  const own = [...zones, '\x04arpa\0'];
  const isBelow = ({ key }: Query, domains: readonly string[]) =>
    domains.some((name) => key.startsWith(name, key.length - 2 - name.length));
  const unknown = prepare({ rcode: RCODE.SERVFAIL, authoritative: false });
  const foreign = prepare(FORWARD);
  const withoutCatalog = (asked: Query) => (isBelow(asked, zones) ? unknown : foreign);
  const overUdp = { udp: true, limits, recursion, random };
  const overTcp = { udp: false, limits, recursion, random };
  const now = () => Math.floor(clock.now() / 1000);
  const elsewhere = forwarder && new Elsewhere({ answers, forwarder, now });
  const askElsewhere = async (
    from: Elsewhere,
    prepared: Prepared,
    packet: Uint8Array,
    own: Query,
    transport: Transport,
    asker: string,
  ): Promise<Buffer> => {
    try {
      return await from.answer(prepared, packet, own, transport, asker);
    } catch (error) {
      onError(error);
      return Buffer.from(refuse(own, RCODE.SERVFAIL));
    }
  };
  return (packet, udp, asker) => {
    try {
      query.asker = asker;
      const verdict = readQuery(packet, query);
      if (verdict === IGNORE) return undefined;
      if (verdict === RCODE.BADVERS) return refuseVersion(packet, query);
      if (verdict !== RCODE.NOERROR) return refuse(query, verdict);
      const transport = udp ? overUdp : overTcp;
      if (forwarder !== undefined && !isBelow(query, own)) {
        // Not the network that the asker named: limits are for whom we see.
        query.asker = asker;
        return forwarder.answer(packet, query, roomFor(query, transport));
      }
      const prepared = isReadable() ? answers.find(query) : withoutCatalog(query);
      // The next packet overwrites both.
      if (prepared.elsewhere !== undefined && elsewhere !== undefined)
        return askElsewhere(elsewhere, prepared, Buffer.from(packet), { ...query }, transport, asker);
      stampSerial(prepared, now());
      return assemble(prepared, packet, query, transport);
    } catch (error) {
      onError(error);
      return refuse(query, RCODE.SERVFAIL);
    }
  };
}
