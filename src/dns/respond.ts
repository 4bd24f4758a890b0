import type { Clock } from '../lib/clock.ts';
import type { Answers } from './answers.ts';
import { assemble, type Limits, refuse } from './assemble.ts';
import { stampSerial } from './prepared.ts';
import { RCODE } from './wire/numbers.ts';
import { emptyQuery, IGNORE, readQuery } from './wire/query.ts';

/**
 * Bytes that answer `packet`, valid until the next call; undefined when nothing should be answered. `asker` is the
 * address it came from.
 */
export type Responder = (packet: Uint8Array, udp: boolean, asker: string) => Buffer | undefined;

/** Packet in, packet out: all that the two transports share. Never throws, whatever the packet. */
export function createResponder({
  answers,
  limits,
  random,
  clock,
  onError,
}: {
  answers: Answers;
  limits: Limits;
  random: () => number;
  clock: Clock;
  /** Told of what should not happen; the asker gets SERVFAIL. */
  onError: (error: unknown) => void;
}): Responder {
  const query = emptyQuery();
  const overUdp = { udp: true, limits, random };
  const overTcp = { udp: false, limits, random };
  return (packet, udp, asker) => {
    try {
      query.asker = asker;
      const verdict = readQuery(packet, query);
      if (verdict === IGNORE) return undefined;
      if (verdict !== RCODE.NOERROR) return refuse(query, verdict);
      const prepared = answers.find(query);
      stampSerial(prepared, Math.floor(clock.now() / 1000));
      return assemble(prepared, packet, query, udp ? overUdp : overTcp);
    } catch (error) {
      onError(error);
      return refuse(query, RCODE.SERVFAIL);
    }
  };
}
