/** Addresses of hosts that are given by name. Node asks the system for them, which takes a thread and a turn of its loop. */
import { addressBytes } from '../../lib/ip.ts';
import { lookUp } from '../look-up.ts';
import { type Lack, lackOf } from '../shortage.ts';

/** So long (ms) an answer is used again: many connections are opened at a time, and a name may move. */
const TRUSTED = 1_000;
/** Names that are remembered; then it begins anew. */
const REMEMBERED = 1_024;

export type Addresses = readonly Uint8Array[];

/** What became of a look-up: the addresses to try in order; none when the name is not known, or `lack` kept us from asking. */
export type Found = (addresses: Addresses, lack?: Lack) => void;

interface Known {
  readonly addresses: Addresses;
  readonly until: number;
}

export class Names {
  readonly #literals = new Map<string, Addresses>();
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Found[]>();

  /** The addresses of a host if they are at hand; otherwise `found` is called later. */
  find(host: string, now: number, found: Found): Addresses | undefined {
    const literal = this.#literal(host);
    if (literal !== undefined) return literal;
    const known = this.#known.get(host);
    if (known !== undefined && known.until > now) return known.addresses;
    const waiting = this.#asking.get(host);
    if (waiting !== undefined) waiting.push(found);
    else this.#ask(host, now, found);
    return undefined;
  }

  #literal(host: string): Addresses | undefined {
    const known = this.#literals.get(host);
    if (known !== undefined) return known;
    const bytes = addressBytes(host);
    if (bytes === undefined) return undefined;
    if (this.#literals.size >= REMEMBERED) this.#literals.clear();
    const literal = [bytes];
    this.#literals.set(host, literal);
    return literal;
  }

  #ask(host: string, now: number, found: Found): void {
    const waiting = [found];
    this.#asking.set(host, waiting);
    lookUp.find(host, (error, answers) => {
      this.#asking.delete(host);
      const addresses = answers.flatMap(({ address }) => addressBytes(address) ?? []);
      if (addresses.length > 0) {
        if (this.#known.size >= REMEMBERED) this.#known.clear();
        this.#known.set(host, { addresses, until: now + TRUSTED });
      }
      const lack = lackOf(error?.code);
      for (const one of waiting) one(addresses, lack);
    });
  }
}
