/** Addresses of instances that are given by name. */
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Clock, systemClock } from '../lib/clock.ts';
import { lackOf } from './shortage.ts';

/** How long (ms) addresses outlive the last answer that had them; RFC 8767 §5 has one to three days. */
const KEPT = 24 * 3_600_000;
/** After so long (ms) without an answer the last one does; well below the time that a connection has to open. */
const PATIENCE = 1_000;
/** Names that are remembered; then it begins anew. */
const REMEMBERED = 1_024;

interface Heard {
  readonly addresses: LookupAddress[];
  readonly at: number;
  /** The name could not be looked up since. */
  isOld: boolean;
  isAskedAgain: boolean;
}

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

export interface LookUpOptions {
  readonly ask?: (host: string, options: { all: true; verbatim: true }, answer: Answer) => void;
  readonly clock?: Clock;
}

/**
 * Asks the system for the addresses of a host each time, and goes by the last answer when there is none: an instance is not gone because
 * a resolver is (RFC 8767). Meanwhile nobody waits for it.
 */
export class LookUp {
  /** Told once when a name cannot be looked up any more, and once when it can again. */
  onTrouble: (why: string) => void = () => {};
  readonly #ask: NonNullable<LookUpOptions['ask']>;
  readonly #clock: Clock;
  readonly #heard = new Map<string, Heard>();

  constructor({ ask = lookup, clock = systemClock }: LookUpOptions = {}) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** As `connect` of Node takes it; no answer comes before it returns. */
  readonly lookup: LookupFunction = (host, { all = false }, callback) =>
    this.find(host, (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error ?? unknown(host), '', 0);
      else if (all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });

  /** An error, or at least one address. */
  find(host: string, answer: Answer): void {
    const last = this.#last(host);
    if (last?.isOld) {
      process.nextTick(answer, null, last.addresses);
      if (last.isAskedAgain) return;
      last.isAskedAgain = true;
      this.#askFor(host, () => {
        last.isAskedAgain = false;
      });
      return;
    }
    let isAnswered = false;
    const once: Answer = (error, addresses) => {
      if (!isAnswered) answer(error, addresses);
      isAnswered = true;
    };
    const late =
      last === undefined
        ? undefined
        : this.#clock.after(PATIENCE, () => once(null, this.#goOnWith(host, last, 'no answer')));
    this.#askFor(host, (error, addresses) => {
      late?.();
      // That we lack something says nothing about the name.
      if (error !== null && last !== undefined && lackOf(error.code) === undefined)
        once(null, this.#goOnWith(host, last, error.code ?? error.message));
      else once(error, addresses);
    });
  }

  #last(host: string): Heard | undefined {
    const last = this.#heard.get(host);
    return last !== undefined && this.#clock.now() - last.at < KEPT ? last : undefined;
  }

  #goOnWith(host: string, last: Heard, why: string): LookupAddress[] {
    // Another one may have been heard meanwhile.
    if (!last.isOld && this.#heard.get(host) === last)
      this.onTrouble(
        `${host} cannot be looked up any more (${why}): its last address ${last.addresses.map(({ address }) => address).join(', ')} is used on`,
      );
    last.isOld = true;
    return last.addresses;
  }

  #askFor(host: string, answer: Answer): void {
    this.#ask(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null || addresses.length === 0) {
        answer(error ?? unknown(host), []);
        return;
      }
      if (this.#heard.get(host)?.isOld) this.onTrouble(`${host} can be looked up again`);
      if (this.#heard.size >= REMEMBERED) this.#heard.clear();
      this.#heard.set(host, { addresses, at: this.#clock.now(), isOld: false, isAskedAgain: false });
      answer(null, addresses);
    });
  }
}

function unknown(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
  });
}

/** Why a connection to a host could not even be begun, in words; undefined when it could. */
export function lookUpTrouble({ code, syscall }: NodeJS.ErrnoException, host: string): string | undefined {
  return syscall === 'getaddrinfo' && lackOf(code) === undefined
    ? `no address is known for ${host}`
    : undefined;
}

/** That of this thread. */
export const lookUp = new LookUp();
