/** Reads a certificate with its key and says what is wrong with it. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { MusterError, messageOf } from '../../errors.ts';
import type { CertificateSpec } from './spec.ts';

export interface PemPair {
  /** Where it comes from, for messages. */
  readonly place: string;
  /** PEM; the leaf first, then who issued it. May hold the key too. */
  readonly cert: string;
  /** PEM; default: what `cert` holds. */
  readonly key?: string;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** An OCSP response for it (DER). */
  readonly staple?: Uint8Array;
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The certificates of a PEM text, each as PEM; anything between them is left out. */
export function certificatesOf(pem: string): string[] {
  return pem.match(CERTIFICATE) ?? [];
}

/** Throws `tls.certificate` with the place and what to do. A certificate that has expired is read all the same. */
export function readCertificate({ place, cert, key = cert, passphrase, staple }: PemPair): CertificateSpec {
  const certificates = certificatesOf(cert);
  const [first] = certificates;
  if (first === undefined) throw bad(place, 'no certificate in it (-----BEGIN CERTIFICATE-----)');
  const leaf = attempt(place, 'the certificate cannot be read', () => new X509Certificate(first));
  const privateKey = privateKeyOf(place, key, passphrase);
  if (!leaf.checkPrivateKey(privateKey))
    throw bad(
      place,
      'the private key belongs to another certificate; the first certificate has to be its own',
    );
  const chain = `${certificates.join('\n')}\n`;
  const plainKey = pemOf(privateKey);
  // What OpenSSL alone refuses: keys too weak for its security level, a chain it cannot read.
  attempt(place, 'OpenSSL does not take it', () => createSecureContext({ cert: chain, key: plainKey }));
  return {
    place,
    names: namesOf(leaf),
    chain,
    key: plainKey,
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    fingerprint: createHash('sha256')
      .update(chain)
      .update(plainKey)
      .update(staple ?? '')
      .digest('base64'),
    ...(staple === undefined ? {} : { staple }),
  };
}

/** OpenSSL says of a text without a key that it has no decoder for it, and of one that is encrypted that somebody has cancelled. */
function privateKeyOf(place: string, key: string, passphrase: string | undefined): KeyObject {
  const what = 'the private key cannot be read';
  if (!/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/.test(key))
    throw bad(
      place,
      `${what}: there is none (-----BEGIN PRIVATE KEY-----); -tls-key, or "key" in a configuration, names the file that holds it`,
    );
  if (passphrase === undefined && /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key))
    throw bad(
      place,
      `${what}: it is encrypted; -tls-key has to name one that is not (openssl pkey -in KEY -out PLAIN), or "passphrase" in a configuration opens it`,
    );
  return attempt(place, what, () =>
    createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) }),
  );
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** DNS names and addresses of the subject's alternative names; the common name too, as old certificates have no other. */
export function namesOf(leaf: X509Certificate): string[] {
  const names = new Set<string>();
  for (const entry of (leaf.subjectAltName ?? '').split(', ')) {
    const match = /^(?:DNS|IP Address):(.+)$/.exec(entry);
    if (match !== null) names.add(match[1]!.toLowerCase());
  }
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  if (common !== undefined && !/[\s/@]/.test(common)) names.add(common.toLowerCase());
  return [...names];
}

function attempt<T>(place: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw bad(place, `${what}: ${messageOf(error)}`, error);
  }
}

function bad(place: string, why: string, cause?: unknown): MusterError {
  return new MusterError('tls.certificate', `${place}: ${why}`, { cause });
}
