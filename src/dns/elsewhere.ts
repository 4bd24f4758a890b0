import { decodeMessage, encodeQuery, joinLabels, type WireRecord } from '../lib/dns/message.ts';
import { decodeName, encodeName, labelsOf, WireError } from '../lib/dns/name.ts';
import { RCODE, TYPE } from '../lib/dns/numbers.ts';
import { emptyQuery, type Query, readQuery } from '../lib/dns/query.ts';
import type { Answers } from './answers.ts';
import { assemble, roomFor, type Transport } from './assemble.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { type Prepared, stampSerial } from './prepared.ts';
import type { DnsRecord } from './record.ts';

/** Room announced for answers to our own questions: what fits in a packet on every path. */
const OWN_EDNS_BYTES = 1232;
/** Of an alias, as in Consul: the aliases on the way count too. */
const MAX_RECORDS_OF_ALIAS = 5;

/** Answers that need other name servers. */
export class Elsewhere {
  readonly #answers: Answers;
  readonly #forwarder: Forwarder;
  readonly #now: () => number;

  /** `now`: seconds since the epoch. */
  constructor({
    answers,
    forwarder,
    now,
  }: {
    answers: Answers;
    forwarder: Forwarder;
    now: () => number;
  }) {
    this.#answers = answers;
    this.#forwarder = forwarder;
    this.#now = now;
  }

  /**
   * `prepared` says what is missing; it stands as the answer when nobody can help. `asker`: whom we see, which may not be whose network
   * the question names. Rejects for our own mistakes only.
   */
  async answer(
    prepared: Prepared,
    packet: Uint8Array,
    query: Query,
    transport: Transport,
    asker: string,
  ): Promise<Buffer> {
    if (prepared.elsewhere === 'question')
      return this.#forwarder.answer(packet, { ...query, asker }, roomFor(query, transport), () =>
        Buffer.from(assemble(prepared, packet, query, transport)),
      );
    const found = await this.#resolve(prepared.elsewhere ?? [], { ...query, asker });
    const whole = this.#answers.withNames(query, found);
    stampSerial(whole, this.#now());
    return Buffer.from(assemble(whole, packet, query, transport));
  }

  /** What `names` stand for, by name. Names that nobody knows are there without records. */
  async #resolve(names: readonly string[], { type: asked, asker }: Query): Promise<Map<string, DnsRecord[]>> {
    // Consul always asks for IPv4; whoever asks for IPv6 could do nothing with that.
    const type = asked === TYPE.AAAA ? TYPE.AAAA : TYPE.A;
    const found = await Promise.all(
      names.map(async (name): Promise<[string, DnsRecord[]]> => {
        const question = encodeQuery(labelsOf(name), { id: 0, type, ednsBytes: OWN_EDNS_BYTES });
        const own = emptyQuery();
        own.asker = asker;
        if (readQuery(question, own) !== RCODE.NOERROR) return [name, []];
        const answer = await this.#forwarder.ask(question, own);
        return [name, answer === undefined ? [] : recordsOf(name, type, answer)];
      }),
    );
    return new Map(found);
  }
}

/** Records of `type` for `name`, and the aliases that lead there. Anything else in the answer is nobody's business. */
function recordsOf(name: string, type: number, answer: Buffer): DnsRecord[] {
  let records: WireRecord[];
  try {
    records = decodeMessage(answer).answers;
  } catch (error) {
    if (error instanceof WireError) return [];
    throw error;
  }
  const chain: DnsRecord[] = [];
  let owner = keyOf(encodeName(name) ?? Buffer.alloc(0));
  for (let again = true; again && chain.length < MAX_RECORDS_OF_ALIAS; ) {
    const own = records.filter((record) => keyOf(joinLabels(record.name)) === owner);
    const alias = own.find((record) => record.type === TYPE.CNAME);
    const wanted = alias === undefined ? own.filter((record) => record.type === type) : [alias];
    for (const one of wanted)
      chain.push({
        owner: joinLabels(one.name),
        type: one.type,
        ttl: one.ttl & 0x7fff_ffff,
        rdata: one.rdata,
      });
    again = alias !== undefined;
    if (alias !== undefined) owner = keyOf(joinLabels(decodeName(alias.rdata, 0).labels));
  }
  return chain.slice(0, MAX_RECORDS_OF_ALIAS);
}

const keyOf = (name: Buffer): string => name.toString('latin1').toLowerCase();
