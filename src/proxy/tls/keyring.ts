import { CertificateStore } from './certificate-store.ts';

/** What the TLS listeners of a worker share: named stores of certificates, and the keys of session tickets. */
export class Keyring {
  /** 48 secret bytes that all workers have in common, so that a session is resumed at any of them; undefined: each its own. */
  ticketKeys: Uint8Array | undefined;
  /** Certificates of tls-alpn-01 challenges: only for authorities that ask for them. */
  readonly challenges = new CertificateStore();
  readonly #stores = new Map<string, CertificateStore>();

  /** A listener may name a store whose certificates come later: until then its handshakes fail. */
  store(name: string): CertificateStore {
    let store = this.#stores.get(name);
    if (store === undefined) {
      store = new CertificateStore();
      this.#stores.set(name, store);
    }
    return store;
  }
}
