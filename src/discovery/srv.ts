import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { askTcp, askUdp, rcodeOf } from '../lib/dns/exchange.ts';
import { decodeMessage, encodeQuery, type Message, type WireRecord } from '../lib/dns/message.ts';
import { decodeName, labelsOf } from '../lib/dns/name.ts';
import { FLAG, RCODE, TYPE } from '../lib/dns/numbers.ts';
import type { HostPort } from '../lib/host-port.ts';
import { addressText } from '../lib/ip.ts';
import { backendOf } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { type PollOptions, poll } from './poll.ts';

export interface SrvDiscoveryOptions extends PollOptions {
  /** Name server. */
  readonly server: HostPort;
  /** "web.service.consul." */
  readonly name: string;
  readonly protocol: 'udp' | 'tcp';
}

/** Room announced for answers over UDP, as gobetween does; what is larger is asked for over TCP. */
const EDNS_BYTES = 4_096;
const TIMEOUT = 5_000;
/** Questions over UDP that may get lost before the source counts as silent. */
const TRIES = 2;

/**
 * SRV records of a name (RFC 2782), with the addresses that come with them or else are asked for. An answer without records, or
 * that there is no such name, is an empty list; an error of the server is a failure. A target whose address cannot be asked for keeps the
 * one it had.
 */
export function followSrv(options: SrvDiscoveryOptions, listener: InstanceListener): Discovery {
  const { name, log } = options;
  const timeout = options.timeout > 0 ? options.timeout : TIMEOUT;
  /** Of targets, as they were asked for last. */
  let known = new Map<string, string>();
  /** Targets that could not be asked for the last time; each is said once. */
  let failed: ReadonlyMap<string, unknown> = new Map();
  const list = async (signal: AbortSignal) => {
    const asker = new Asker(options, timeout, signal);
    const { answers, additional } = await asker.ask(name, TYPE.SRV);
    const records = answers.filter(({ type }) => type === TYPE.SRV).map(readSrv);
    const addresses = addressesOf(additional);
    const missing = new Set(records.map(({ target }) => target).filter((target) => !addresses.has(target)));
    const failures = new Map<string, unknown>();
    await Promise.all(
      [...missing].map(async (target) => {
        const address = await asker.addressOf(target).catch((error: unknown) => {
          failures.set(target, error);
          return known.get(target);
        });
        if (address !== undefined) addresses.set(target, address);
        else if (!failures.has(target))
          log.warn('an SRV target without an address is passed over', { name, target });
      }),
    );
    const backends = records.flatMap(({ target, ...record }) => {
      const told = { ...record, host: addresses.get(target), serverName: target };
      return backendOf(told) ?? [];
    });
    // One name that cannot be asked for does not take the others out; nothing at all is no answer.
    const [failure] = failures.values();
    if (backends.length === 0 && failure !== undefined) throw failure;
    for (const [target, error] of failures) {
      if (failed.has(target)) continue;
      const fields = { name, target, why: messageOf(error), before: known.get(target) ?? 'none' };
      log.warn('the address of an SRV target cannot be asked for', fields);
    }
    failed = failures;
    known = addresses;
    return { backends };
  };
  return poll({ kind: 'srv', timeout, list }, options, listener);
}

interface SrvRecord {
  /** In lower case, without the dot at its end. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

function readSrv({ rdata }: WireRecord): SrvRecord {
  const { labels } = decodeName(rdata, 6);
  return {
    priority: rdata.readUInt16BE(0),
    weight: rdata.readUInt16BE(2),
    port: rdata.readUInt16BE(4),
    target: nameOf(labels),
  };
}

function nameOf(labels: readonly Buffer[]): string {
  return labels.map(String).join('.').toLowerCase();
}

/** IPv4 before IPv6 where a name has both, the first of each. */
function addressesOf(records: readonly WireRecord[]): Map<string, string> {
  const addresses = new Map<string, string>();
  for (const wanted of [TYPE.A, TYPE.AAAA])
    for (const { name, type, rdata } of records) {
      const isWhole = rdata.length === (wanted === TYPE.A ? 4 : 16);
      if (type === wanted && isWhole && !addresses.has(nameOf(name)))
        addresses.set(nameOf(name), addressText(rdata));
    }
  return addresses;
}

/** Questions to one server. */
class Asker {
  readonly #server: HostPort;
  readonly #protocol: 'udp' | 'tcp';
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #timeout: number;
  readonly #signal: AbortSignal;

  constructor(
    { server, protocol, clock, random }: SrvDiscoveryOptions,
    timeout: number,
    signal: AbortSignal,
  ) {
    this.#server = server;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#random = random;
    this.#timeout = timeout;
    this.#signal = signal;
  }

  async addressOf(name: string): Promise<string | undefined> {
    for (const type of [TYPE.A, TYPE.AAAA]) {
      const { answers } = await this.ask(name, type);
      // Behind aliases the address has another owner.
      const [address] = addressesOf(answers.filter((record) => record.type === type)).values();
      if (address !== undefined) return address;
    }
    return undefined;
  }

  /** Rejects when the server does not answer or cannot. */
  async ask(name: string, type: number): Promise<Message> {
    const id = Math.floor(this.#random() * 0x1_0000);
    const question = encodeQuery(labelsOf(name), { id, type, ednsBytes: EDNS_BYTES });
    const answer = await this.#exchange(question);
    const rcode = rcodeOf(answer);
    if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)
      throw new Error(`the name server answered with error ${rcode} for ${name}`);
    return decodeMessage(answer);
  }

  async #exchange(question: Buffer): Promise<Buffer> {
    const options = { clock: this.#clock, signal: this.#signal };
    if (this.#protocol === 'tcp')
      return askTcp(this.#server, question, { ...options, timeout: this.#timeout });
    for (let tries = 1; ; tries++) {
      try {
        const answer = await askUdp(this.#server, question, { ...options, timeout: this.#timeout / TRIES });
        const isCut = (answer.readUInt16BE(2) & FLAG.TC) !== 0;
        return isCut ? await askTcp(this.#server, question, { ...options, timeout: this.#timeout }) : answer;
      } catch (error) {
        if (tries === TRIES || this.#signal.aborted) throw error;
      }
    }
  }
}
