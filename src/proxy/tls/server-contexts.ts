/** What a listener's handshakes begin with, and what clients are shown. */
import { constants, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificateSet, CertificateStore } from './certificate-store.ts';
import { cipherList } from './ciphers.ts';
import type { HandshakeRules } from './handshake.ts';
import type { Keyring } from './keyring.ts';
import type { Shown } from './server-handle.ts';
import type { CertificateSpec, TlsSettings } from './spec.ts';

/** What authorities offer, and nobody else (RFC 8737 §3). */
export const ACME_PROTOCOL = 'acme-tls/1';

/** Each with its length in front (RFC 7301 §3.1). */
function alpnOf(protocols: readonly string[]): Uint8Array {
  return Buffer.concat(protocols.map((name) => Buffer.from([name.length, ...Buffer.from(name, 'latin1')])));
}

const ACME_ALPN = alpnOf([ACME_PROTOCOL]);

export class ServerContexts {
  readonly #settings: TlsSettings;
  readonly #keyring: Keyring;
  readonly #store: CertificateStore;
  /** Made once. */
  readonly #alpn: Uint8Array | undefined;
  #ticketKeys: Uint8Array | undefined;
  #set: CertificateSet;
  #shared: SecureContextOptions;
  #contexts = new WeakMap<CertificateSpec, SecureContext>();
  /** Without a certificate. */
  #bare: SecureContext;
  /** For everybody, until something is swapped. */
  #rules: HandshakeRules | undefined;

  constructor(settings: TlsSettings, keyring: Keyring) {
    this.#settings = settings;
    this.#keyring = keyring;
    this.#store = keyring.store(settings.store);
    const { alpn } = settings;
    this.#alpn = alpn.length === 0 ? undefined : alpnOf(alpn);
    this.#ticketKeys = keyring.ticketKeys;
    this.#set = this.#store.current;
    this.#shared = this.#inCommon();
    this.#bare = createSecureContext(this.#shared);
  }

  /** Those of now. Handshakes that are under way keep what they began with. */
  get rules(): HandshakeRules {
    this.#renew();
    this.#rules ??= this.#made();
    return this.#rules;
  }

  /** For an ACME authority, which sees the certificates of challenges. */
  challengeRules(): HandshakeRules {
    this.#renew();
    const challenges = this.#keyring.challenges.current;
    return {
      context: this.#bare,
      choose: (name) => this.#shownOf(challenges.find(name)),
      alpn: ACME_ALPN,
      clientAuth: 'none',
    };
  }

  /** Takes what was swapped since. */
  #renew(): void {
    const { ticketKeys } = this.#keyring;
    const { current } = this.#store;
    const old = this.#set;
    if (current === old && ticketKeys === this.#ticketKeys) return;
    this.#set = current;
    this.#rules = undefined;
    if (current.clientCa === old.clientCa && ticketKeys === this.#ticketKeys) return;
    this.#ticketKeys = ticketKeys;
    this.#shared = this.#inCommon();
    this.#contexts = new WeakMap();
    this.#bare = createSecureContext(this.#shared);
  }

  #made(): HandshakeRules {
    const only = this.#only();
    const { clientAuth } = this.#settings;
    return {
      context: only ?? this.#bare,
      choose: only === undefined ? (name) => this.#certificateFor(name) : undefined,
      alpn: this.#alpn,
      clientAuth,
    };
  }

  /** What a client that asks for a name ("": for none) is shown; undefined: nothing, and the handshake fails. */
  #certificateFor(name: string): Shown | undefined {
    const set = this.#store.current;
    return this.#shownOf(set.find(name) ?? (this.#settings.strict ? undefined : set.fallback));
  }

  /** When there is but one certificate everybody is shown it: then nothing has to be chosen in the midst of a handshake. */
  #only(): SecureContext | undefined {
    const { all } = this.#set;
    const [certificate] = all;
    if (certificate === undefined || all.length > 1 || certificate.staple !== undefined) return undefined;
    return this.#settings.strict ? undefined : this.#contextOf(certificate);
  }

  #shownOf(certificate: CertificateSpec | undefined): Shown | undefined {
    if (certificate === undefined) return undefined;
    return { context: this.#contextOf(certificate), staple: certificate.staple };
  }

  #contextOf(certificate: CertificateSpec): SecureContext {
    let context = this.#contexts.get(certificate);
    if (context === undefined) {
      const { chain: cert, key } = certificate;
      context = createSecureContext({ ...this.#shared, cert, key });
      this.#contexts.set(certificate, context);
    }
    return context;
  }

  /** What the contexts of all certificates have in common. */
  #inCommon(): SecureContextOptions {
    const { minVersion, maxVersion, curves, clientAuth, tickets } = this.#settings;
    const ciphers = cipherList(minVersion, this.#settings.ciphers);
    const { clientCa } = this.#set;
    return {
      minVersion,
      maxVersion,
      honorCipherOrder: true,
      // A session that began under other rules for clients is not resumed.
      sessionIdContext: createHash('sha256')
        .update(JSON.stringify([clientAuth, clientCa]))
        .digest('hex')
        .slice(0, 32),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(curves === undefined ? {} : { ecdhCurve: curves }),
      ...(clientAuth === 'none' ? {} : { ca: [...clientCa] }),
      ...(this.#ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(this.#ticketKeys) }),
      // Handshakes on an open connection are of no use and cost as much as new ones.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (tickets ? 0 : constants.SSL_OP_NO_TICKET),
    };
  }
}
