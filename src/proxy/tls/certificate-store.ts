/** Which certificate a client gets. */
import type { CertificateSpec, StoreSpec } from './spec.ts';

/** An immutable set of certificates, with the one for a name found at once. */
export class CertificateSet {
  readonly all: readonly CertificateSpec[];
  /** PEM: who may have issued the certificates of clients. */
  readonly clientCa: readonly string[];
  readonly #byName = new Map<string, CertificateSpec>();

  /** `now`: ms since the epoch. */
  constructor({ certificates, clientCa }: StoreSpec, now: number) {
    this.all = certificates;
    this.clientCa = clientCa;
    for (const certificate of certificates)
      for (const name of certificate.names) {
        const other = this.#byName.get(name);
        if (other === undefined || isBetter(certificate, other, now)) this.#byName.set(name, certificate);
      }
  }

  /** For clients that name nobody we know: the first one given. */
  get fallback(): CertificateSpec | undefined {
    return this.all[0];
  }

  /** The certificate for a name: its own, else a wildcard's. Undefined when none is for it. */
  find(name: string): CertificateSpec | undefined {
    let wanted = name.toLowerCase();
    if (wanted.endsWith('.')) wanted = wanted.slice(0, -1);
    const own = this.#byName.get(wanted);
    if (own !== undefined) return own;
    // "*" stands for one whole label, the leftmost (RFC 9525 §6.3).
    const dot = wanted.indexOf('.');
    return dot <= 0 ? undefined : this.#byName.get(`*${wanted.slice(dot)}`);
  }
}

/** Of two certificates for one name: one that is valid now, then the one that is valid longer (the newer one of a renewal). */
function isBetter(one: CertificateSpec, other: CertificateSpec, now: number): boolean {
  const isValid = isValidAt(one, now);
  return isValid === isValidAt(other, now) ? one.notAfter > other.notAfter : isValid;
}

export function isValidAt({ notBefore, notAfter }: CertificateSpec, now: number): boolean {
  return notBefore <= now && now <= notAfter;
}

const NOTHING: StoreSpec = { certificates: [], clientCa: [] };

/** What one or more listeners show and trust: swapped whole, seen by the handshakes that begin from then on. */
export class CertificateStore {
  #current: CertificateSet;
  readonly #now: () => number;

  /** `now`: ms since the epoch. */
  constructor(spec = NOTHING, now: () => number = Date.now) {
    this.#now = now;
    this.#current = new CertificateSet(spec, now());
  }

  get current(): CertificateSet {
    return this.#current;
  }

  replace({ certificates, clientCa }: StoreSpec): void {
    // One that stays the same stays the same object, so that what was made of it is used again.
    const old = this.#current;
    const known = new Map(old.all.map((one) => [one.fingerprint, one]));
    const isSameCa =
      old.clientCa.length === clientCa.length && old.clientCa.every((pem, i) => pem === clientCa[i]);
    this.#current = new CertificateSet(
      {
        certificates: certificates.map((one) => known.get(one.fingerprint) ?? one),
        clientCa: isSameCa ? old.clientCa : clientCa,
      },
      this.#now(),
    );
  }
}
