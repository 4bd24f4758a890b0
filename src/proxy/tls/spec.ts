/** TLS as plain data: what the main thread tells the workers. Everything here survives `postMessage`. */

/** A certificate chain with its key, read and checked by `certificate.ts`. */
export interface CertificateSpec {
  /** Where it comes from (a file, a key), for messages. */
  readonly place: string;
  /** What it is for: DNS names in lower case, with wildcards, and IP addresses. */
  readonly names: readonly string[];
  /** PEM, the leaf first. */
  readonly chain: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Changes when anything of it does. */
  readonly fingerprint: string;
  /** What its issuer says of it (OCSP, DER), for clients that ask. */
  readonly staple?: Uint8Array;
}

/** What a named store holds, whole. */
export interface StoreSpec {
  /** The first one is for clients that name nobody we know. */
  readonly certificates: readonly CertificateSpec[];
  /** PEM: who may have issued the certificates of clients. */
  readonly clientCa: readonly string[];
}

/** What an ACME authority wants to see while it issues a certificate. */
export interface ChallengeAnswers {
  /** http-01: what is answered for a token. */
  readonly http: ReadonlyMap<string, string>;
  /** tls-alpn-01: what is shown to clients that offer nothing but "acme-tls/1". */
  readonly certificates: readonly CertificateSpec[];
}

export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

export const CLIENT_AUTH = ['none', 'optional', 'required'] as const;
/** `optional`: a client may come without a certificate, but not with one that is not valid. */
export type ClientAuth = (typeof CLIENT_AUTH)[number];

/** How a listener speaks TLS. */
export interface TlsSettings {
  /** Name of the store that has its certificates. */
  readonly store: string;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names, TLS 1.3 suites included; undefined: Node's list. */
  readonly ciphers?: string;
  /** Names in order of preference, joined by colons; undefined: OpenSSL's list. */
  readonly curves?: string;
  readonly clientAuth: ClientAuth;
  /** Let clients resume sessions with tickets. */
  readonly tickets: boolean;
  /** Offered by ALPN, best first; empty: no ALPN. */
  readonly alpn: readonly string[];
  /** Refuse clients that ask for a name no certificate is for, or for none. */
  readonly strict: boolean;
  /** From accept to the end of the handshake (ms). */
  readonly handshakeTimeout: number;
}

export const DEFAULT_TLS: TlsSettings = {
  store: 'default',
  // RFC 8996 retired what is older.
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  clientAuth: 'none',
  tickets: true,
  alpn: ['http/1.1'],
  strict: false,
  // As long as for a request's head: a handshake is two round trips, also on a bad line.
  handshakeTimeout: 10_000,
};
