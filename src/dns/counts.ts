import { RCODE } from '../lib/dns/numbers.ts';
import type { Sample } from '../lib/metrics.ts';
import { ForwardCounts } from './forward/counts.ts';
import type { Responder } from './respond.ts';

const RCODES = 16;
const NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]));

/** Answers by transport and response code: one addition for each. */
export class DnsCounts {
  readonly forward = new ForwardCounts();
  readonly #answers = { udp: new Float64Array(RCODES), tcp: new Float64Array(RCODES) };

  /** The same responder, counted. */
  around(respond: Responder): Responder {
    const { udp: overUdp, tcp: overTcp } = this.#answers;
    return (packet, udp, asker) => {
      const answer = respond(packet, udp, asker);
      if (answer === undefined) return undefined;
      const counts = udp ? overUdp : overTcp;
      if (answer instanceof Promise)
        return answer.then((bytes) => {
          count(counts, bytes);
          return bytes;
        });
      count(counts, answer);
      return answer;
    };
  }

  samples(): Sample[] {
    return Object.entries(this.#answers).flatMap(([transport, counts]) =>
      Array.from(counts).flatMap((value, code) =>
        value === 0 ? [] : [{ labels: { transport, rcode: NAMES.get(code) ?? `RCODE${code}` }, value }],
      ),
    );
  }
}

/** The response code is in the low half of the header's fourth byte. */
function count(counts: Float64Array, answer: Uint8Array): void {
  const code = (answer[3] as number) & 0xf;
  counts[code] = (counts[code] as number) + 1;
}
