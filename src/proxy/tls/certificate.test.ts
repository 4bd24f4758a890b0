import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isMusterError } from '../../errors.ts';
import { readCertificate } from './certificate.ts';
import { CertificateSet, CertificateStore } from './certificate-store.ts';
import { Authority } from './fixtures.ts';
import type { CertificateSpec } from './spec.ts';

const authority = new Authority();
afterAll(() => authority.remove());

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isMusterError(error, 'tls.certificate')) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

describe('a certificate that is read', () => {
  const { cert, key } = authority.issue({ names: ['Web.test', '*.web.test', '127.0.0.1'] });

  it('knows its names, in lower case, and how long it is valid', () => {
    const read = readCertificate({ place: 'a.pem', cert, key });
    expect(read).toMatchObject({ place: 'a.pem', names: ['web.test', '*.web.test', '127.0.0.1'] });
    expect(read.notAfter - read.notBefore).toBe(30 * 86_400_000);
  });

  it('may have its key in the same text, and its issuer behind it', () => {
    const read = readCertificate({ place: 'a.pem', cert: `${key}${cert}text between\n${authority.cert}` });
    expect(read.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(read.chain).not.toContain('PRIVATE');
    expect(read.chain).not.toContain('between');
  });

  it('may have an encrypted key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const locked = privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    const given = { place: 'a.pem', cert, key: String(locked) };
    expect(refusal(() => readCertificate({ ...given, passphrase: 'wrong' }))).toContain('cannot be read');
    // OpenSSL's word is "interrupted or cancelled".
    expect(refusal(() => readCertificate(given))).toMatch(/cannot be read: it is encrypted; -tls-key/);
    expect(refusal(() => readCertificate({ ...given, passphrase: 'x' }))).toContain('belongs to another');
  });

  it('is refused with its place and the reason, without its key', () => {
    const other = authority.issue({ names: ['other.test'] });
    expect(refusal(() => readCertificate({ place: 'b.pem', cert, key: other.key }))).toMatch(
      /^b\.pem: the private key belongs to another certificate/,
    );
    expect(refusal(() => readCertificate({ place: 'b.pem', cert: key }))).toMatch(
      /^b\.pem: no certificate in it/,
    );
    expect(refusal(() => readCertificate({ place: 'b.pem', cert }))).toMatch(
      /^b\.pem: the private key cannot be read: there is none .*; -tls-key/,
    );
    const broken = cert.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
    expect(refusal(() => readCertificate({ place: 'b.pem', cert: broken, key }))).toMatch(
      /^b\.pem: the certificate cannot be read/,
    );
  });

  it('is never a reason for anything but a refusal, whatever the text', () => {
    const pieces = fc.constantFrom(
      cert,
      key,
      cert.slice(0, 300),
      key.slice(40),
      '-----BEGIN CERTIFICATE-----\n',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 4 }), (texts) => {
        try {
          readCertificate({ place: 'x', cert: texts.join('') });
        } catch (error) {
          expect(isMusterError(error, 'tls.certificate')).toBe(true);
        }
      }),
    );
  });

  it('has another fingerprint when it is another', () => {
    const one = readCertificate({ place: 'a', cert, key });
    expect(readCertificate({ place: 'b', cert, key }).fingerprint).toBe(one.fingerprint);
    const next = authority.issue({ names: ['web.test'] });
    expect(readCertificate({ place: 'a', ...next }).fingerprint).not.toBe(one.fingerprint);
  });
});

let made = 0;
const spec = (names: readonly string[], notBefore = 0, notAfter = 100): CertificateSpec => ({
  place: names.join(),
  names,
  chain: '',
  key: '',
  notBefore,
  notAfter,
  fingerprint: `${made++}`,
});

const setOf = (...certificates: CertificateSpec[]) => new CertificateSet({ certificates, clientCa: [] }, 50);

describe('a set of certificates', () => {
  it('finds the one for a name, in any case and with a dot at its end', () => {
    const [a, b] = [spec(['a.test']), spec(['b.test', 'c.test'])];
    const set = setOf(a, b);
    expect(set.find('A.test.')).toBe(a);
    expect(set.find('c.test')).toBe(b);
    expect(set.find('d.test')).toBeUndefined();
    expect(set.find('')).toBeUndefined();
    expect(set.fallback).toBe(a);
  });

  it('takes a wildcard for one label, and an exact name before it', () => {
    const [any, own] = [spec(['*.web.test']), spec(['a.web.test'])];
    const set = setOf(any, own);
    expect(set.find('a.web.test')).toBe(own);
    expect(set.find('b.web.test')).toBe(any);
    expect(set.find('a.b.web.test')).toBeUndefined();
    expect(set.find('web.test')).toBeUndefined();
    expect(set.find('.web.test')).toBeUndefined();
  });

  it('takes of several for one name one that is valid, then the one that is valid longest, in any order', () => {
    const expired = spec(['a.test'], 0, 40);
    const early = spec(['a.test'], 60, 900);
    const older = spec(['a.test'], 0, 70);
    const newer = spec(['a.test'], 30, 130);
    fc.assert(
      fc.property(fc.shuffledSubarray([expired, early, older, newer], { minLength: 4 }), (order) => {
        expect(setOf(...order).find('a.test')).toBe(newer);
      }),
    );
    expect(setOf(expired).find('a.test')).toBe(expired);
  });

  it('keeps what stays the same when it is swapped', () => {
    const [a, b] = [spec(['a.test']), spec(['b.test'])];
    const store = new CertificateStore({ certificates: [a, b], clientCa: ['x'] });
    const before = store.current;
    store.replace({ certificates: [{ ...b }, spec(['c.test'])], clientCa: ['x'] });
    expect(store.current.find('b.test')).toBe(b);
    expect(store.current.find('a.test')).toBeUndefined();
    expect(store.current.clientCa).toBe(before.clientCa);
    expect(before.find('a.test')).toBe(a);
  });
});
