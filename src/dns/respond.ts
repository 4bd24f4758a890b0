import type { Clock } from '../lib/clock.ts';
import { RCODE } from '../lib/dns/numbers.ts';
import { emptyQuery, IGNORE, type Query, readQuery } from '../lib/dns/query.ts';
import type { Answers } from './answers.ts';
import { assemble, type Limits, refuse, type Transport } from './assemble.ts';
import { Elsewhere } from './elsewhere.ts';
import { type Prepared, stampSerial } from './prepared.ts';
import type { Recursors } from './recursors.ts';

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
  recursors,
  limits,
  random,
  clock,
  onError,
}: {
  answers: Answers;
  /** Whom else to ask. */
  recursors: Recursors | undefined;
  limits: Limits;
  random: () => number;
  clock: Clock;
  /** Told of what should not happen; the asker gets SERVFAIL. */
  onError: (error: unknown) => void;
}): Responder {
  const query = emptyQuery();
  const recursion = recursors !== undefined;
  const overUdp = { udp: true, limits, recursion, random };
  const overTcp = { udp: false, limits, recursion, random };
  const now = () => Math.floor(clock.now() / 1000);
  const elsewhere = recursors && new Elsewhere({ answers, recursors, now });
  const askElsewhere = async (
    from: Elsewhere,
    prepared: Prepared,
    packet: Uint8Array,
    own: Query,
    transport: Transport,
  ): Promise<Buffer> => {
    try {
      return await from.answer(prepared, packet, own, transport);
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
      if (verdict !== RCODE.NOERROR) return refuse(query, verdict);
      const prepared = answers.find(query);
      const transport = udp ? overUdp : overTcp;
      // The next packet overwrites the question.
      if (prepared.elsewhere !== undefined && elsewhere !== undefined)
        return askElsewhere(elsewhere, prepared, packet, { ...query }, transport);
      stampSerial(prepared, now());
      return assemble(prepared, packet, query, transport);
    } catch (error) {
      onError(error);
      return refuse(query, RCODE.SERVFAIL);
    }
  };
}
