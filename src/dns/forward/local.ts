import { reverseAddress } from '../../lib/dns/address.ts';
import type { Message, WireRecord } from '../../lib/dns/message.ts';
import { decodeName, encodeName } from '../../lib/dns/name.ts';
import { CLASS_IN, RCODE, TYPE } from '../../lib/dns/numbers.ts';
import { keyLabels, type Query } from '../../lib/dns/query.ts';
import type { HostLine } from './hosts.ts';
import type { ForwardOptions } from './options.ts';
import { isPrivate } from './private-addresses.ts';
import { Suffixes } from './suffixes.ts';

/** What is known here of a name: the answer's records, or that there is none. */
export type Known =
  | { readonly rcode: number; readonly records: readonly WireRecord[] }
  /** Nothing: others are to be asked. */
  | undefined;

const LOCALHOST = [Uint8Array.of(127, 0, 0, 1), Uint8Array.from([...Array(15).fill(0), 1])];

type LocalOptions = Pick<
  ForwardOptions,
  'records' | 'addresses' | 'localTtl' | 'expandHosts' | 'domain' | 'domainNeeded' | 'bogusPrivate'
>;

/** Names that are answered without asking anybody: hosts files, fixed addresses, and what may never be asked for. */
export class LocalNames {
  readonly #options: LocalOptions;
  readonly #fixed = new Suffixes<readonly Uint8Array[]>();
  #addresses = new Map<string, Uint8Array[]>();
  #names = new Map<string, string>();
  /** Names above those that have addresses: they are there, even if they have nothing themselves (RFC 8020). */
  readonly #above = new Set<string>();
  #everything: readonly Uint8Array[] | undefined;

  constructor(options: LocalOptions) {
    this.#options = options;
    for (const { domain, addresses } of options.addresses) {
      if (domain === '') this.#everything = addresses;
      else this.#fixed.set(domain, [...(this.#fixed.get(domain) ?? []), ...addresses]);
    }
    this.hosts([]);
  }

  /** The lines of hosts files, which take the place of those before. */
  hosts(lines: readonly HostLine[]): void {
    this.#addresses = new Map();
    this.#names = new Map();
    this.#above.clear();
    for (const { domain, addresses } of this.#options.addresses)
      if (addresses.length > 0) this.#noteAbove(domain.toLowerCase());
    const { records, expandHosts, domain } = this.#options;
    for (const { address, names } of [...records, ...lines]) {
      const whole = names.flatMap((name) =>
        expandHosts && domain !== '' && !name.includes('.') ? [`${name}.${domain}`, name] : [name],
      );
      for (const name of whole) {
        const key = name.toLowerCase();
        const known = this.#addresses.get(key) ?? [];
        if (!known.some((one) => Buffer.compare(one, address) === 0)) known.push(address);
        this.#addresses.set(key, known);
        this.#noteAbove(key);
      }
      const key = Buffer.from(address).toString('hex');
      if (!this.#names.has(key)) this.#names.set(key, whole[0] as string);
    }
  }

  /** Whether it, or a name below it, has addresses here: nobody may say then that there is no such name. */
  has(key: string): boolean {
    return this.#isThere(keyLabels(key).join('.'));
  }

  find({ key, type }: Query): Known {
    const labels = keyLabels(key);
    if (labels.at(-1) === 'arpa') return this.#reverse(key, labels, type);
    const name = labels.join('.');
    const known = this.#addresses.get(name);
    if (known !== undefined) return this.#addressesOf(key, type, known);
    const top = labels.at(-1);
    if (top === 'localhost') return this.#addressesOf(key, type, LOCALHOST) ?? nothing;
    // RFC 6761, 6.4: nobody has such a name.
    if (top === 'invalid') return this.#withoutAddress(name);
    const fixed = this.#fixed.find(key) ?? this.#everything;
    if (fixed !== undefined)
      return fixed.length === 0
        ? this.#withoutAddress(name)
        : (this.#addressesOf(key, type, fixed) ?? nothing);
    if (labels.length === 1 && this.#options.domainNeeded && (type === TYPE.A || type === TYPE.AAAA))
      return this.#withoutAddress(name);
    return undefined;
  }

  #withoutAddress(name: string): Known {
    return this.#isThere(name) ? nothing : noSuchName;
  }

  #isThere(name: string): boolean {
    return this.#addresses.has(name) || this.#above.has(name);
  }

  #noteAbove(name: string): void {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      this.#above.add(name.slice(dot + 1));
  }

  /** Of a name that has addresses: those of the family asked for. Other types may be known elsewhere. */
  #addressesOf(key: string, type: number, addresses: readonly Uint8Array[]): Known {
    if (type !== TYPE.A && type !== TYPE.AAAA && type !== TYPE.ANY) return undefined;
    const bytes = type === TYPE.A ? 4 : 16;
    const fitting = addresses.filter((address) => type === TYPE.ANY || address.length === bytes);
    const name = decodeName(Buffer.from(key, 'latin1'), 0).labels;
    return {
      rcode: RCODE.NOERROR,
      records: fitting.map((address) => ({
        name,
        type: address.length === 4 ? TYPE.A : TYPE.AAAA,
        class: CLASS_IN,
        ttl: this.#options.localTtl,
        rdata: Buffer.from(address),
      })),
    };
  }

  #reverse(key: string, labels: readonly string[], type: number): Known {
    const address = reverseAddress(labels);
    if (address === undefined) return undefined;
    const name = this.#names.get(Buffer.from(address).toString('hex'));
    const rdata = name === undefined ? undefined : encodeName(name);
    if (rdata !== undefined && (type === TYPE.PTR || type === TYPE.ANY))
      return {
        rcode: RCODE.NOERROR,
        records: [
          {
            name: decodeName(Buffer.from(key, 'latin1'), 0).labels,
            type: TYPE.PTR,
            class: CLASS_IN,
            ttl: this.#options.localTtl,
            rdata,
          },
        ],
      };
    if (!this.#options.bogusPrivate || !isPrivate(address)) return undefined;
    return rdata === undefined ? noSuchName : nothing;
  }
}

const nothing: Known = { rcode: RCODE.NOERROR, records: [] };
const noSuchName: Known = { rcode: RCODE.NXDOMAIN, records: [] };

/** As a message, for laying it out. `question` is the key of the question. */
export function messageOf(key: string, { rcode, records }: NonNullable<Known>): Message {
  const bytes = Buffer.from(key, 'latin1');
  return {
    id: 0,
    flags: rcode,
    questions: [
      { name: decodeName(bytes, 0).labels, type: bytes.readUInt16BE(bytes.length - 2), class: CLASS_IN },
    ],
    answers: [...records],
    authority: [],
    additional: [],
  };
}
