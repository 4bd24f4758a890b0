import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../tls/certificate.ts';
import { integer, octets, oid, pem, sequence } from './der.ts';
import { certificateRequest, challengeCertificate, newKey } from './signed.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-der-'));
afterAll(() => rmSync(folder, { recursive: true }));

function openssl(input: string, ...args: string[]): string {
  const path = join(folder, 'in');
  writeFileSync(path, input);
  return execFileSync('openssl', [...args, '-in', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('what is signed', () => {
  it('is a request that OpenSSL verifies, for the names and nothing else', () => {
    const names = ['one.test', `${'long.'.repeat(30)}test`, '127.0.0.1'];
    const request = pem('CERTIFICATE REQUEST', certificateRequest(names, newKey()));
    const text = openssl(request, 'req', '-verify', '-noout', '-text');
    expect(text).toContain(`DNS:one.test, DNS:${names[1]}, IP Address:127.0.0.1`);
    expect(text).toMatch(/Subject: *\n/);
  });

  it('is a certificate that shows the digest of the answer to an authority', () => {
    const { cert, key } = challengeCertificate('one.test', 'token.thumb', Date.now());
    const read = readCertificate({ place: 'x', cert, key });
    expect(read.names).toContain('one.test');
    expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
    const digest = createHash('sha256').update('token.thumb').digest();
    const extension = Buffer.concat([Buffer.from([4, 0x22, 4, 0x20]), digest]);
    expect(new X509Certificate(cert).raw.includes(extension)).toBe(true);
    expect(openssl(cert, 'x509', '-noout', '-text')).toMatch(
      /(1\.3\.6\.1\.5\.5\.7\.1\.31|acmeIdentifier): critical/i,
    );
  });

  it.each([Date.UTC(2049, 11, 31, 12), Date.UTC(2060, 5, 1, 12, 30, 45)])(
    'says times of either form (%d)',
    (now) => {
      const read = readCertificate({ place: 'x', ...challengeCertificate('one.test', 'x', now) });
      expect(read.notBefore).toBe(now - 86_400_000);
      expect(read.notAfter).toBe(now + 86_400_000);
    },
  );
});

describe('DER', () => {
  it('says lengths of any size so that OpenSSL reads them', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 127, 128, 255, 256, 65_535, 65_536, 100_000), (length) => {
        const der = sequence(octets(Buffer.alloc(length, 7)));
        writeFileSync(join(folder, 'der'), der);
        const text = execFileSync('openssl', ['asn1parse', '-inform', 'DER', '-in', join(folder, 'der')], {
          encoding: 'utf8',
        });
        expect(text).toMatch(new RegExp(`l= *${length} prim: OCTET STRING`));
      }),
      { numRuns: 12 },
    );
  });

  it('keeps numbers positive and identifiers whole', () => {
    expect(integer(0x80)).toEqual(Buffer.from([2, 2, 0, 0x80]));
    expect(integer(0)).toEqual(Buffer.from([2, 1, 0]));
    expect(oid('1.2.840.10045.4.3.2').toString('hex')).toBe('06082a8648ce3d040302');
  });
});
