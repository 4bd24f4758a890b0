/** A request for a certificate (RFC 2986), and the one that answers a tls-alpn-01 challenge (RFC 8737). */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import { bits, integer, octets, oid, pem, sequence, set, tagged, tagValue, text, time, yes } from './der.ts';

const ECDSA_SHA256 = () => sequence(oid('1.2.840.10045.4.3.2'));
const COMMON_NAME = '2.5.4.3';
const ALT_NAMES = '2.5.29.17';
const EXTENSIONS = '1.2.840.113549.1.9.14';
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const DAY = 86_400_000;

/** A key for a certificate: P-256, which every client of today knows and costs a tenth of RSA in handshakes. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function nameOf(common: string): Buffer {
  return sequence(set(sequence(oid(COMMON_NAME), text(common))));
}

function altNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 4
      ? tagValue(7, Buffer.from(name.split('.').map(Number)))
      : tagValue(2, Buffer.from(name, 'latin1')),
  );
  return sequence(oid(ALT_NAMES), octets(sequence(...entries)));
}

function signed(content: Buffer, key: KeyObject): Buffer {
  return sequence(content, ECDSA_SHA256(), bits(sign('sha256', content, key)));
}

/** DER of a request for a certificate for `names`. */
export function certificateRequest(names: readonly string[], key: KeyObject): Buffer {
  const extensions = sequence(oid(EXTENSIONS), set(sequence(altNames(names))));
  // No common name: authorities take the names from the extension, and long ones would not fit.
  return signed(sequence(integer(0), sequence(), publicKeyOf(key), tagged(0, extensions)), key);
}

/** The certificate that a client of tls-alpn-01 wants to see; PEM with its key. */
export function challengeCertificate(
  name: string,
  keyAuthorization: string,
  now: number,
): { cert: string; key: string } {
  const key = newKey();
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const issuer = nameOf('ACME challenge');
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 1;
  const content = sequence(
    tagged(0, integer(2)),
    integer(serial),
    ECDSA_SHA256(),
    issuer,
    sequence(time(now - DAY), time(now + DAY)),
    issuer,
    publicKeyOf(key),
    tagged(3, sequence(altNames([name]), sequence(oid(ACME_IDENTIFIER), yes(), octets(octets(digest))))),
  );
  return { cert: pem('CERTIFICATE', signed(content, key)), key: keyPem(key) };
}
