import { getCiphers } from 'node:tls';
import { expect, it } from 'vitest';
import { openSslCipher, SUITE_NUMBERS } from './cipher-suites.ts';

it.each([
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['tls_ecdhe_ecdsa_with_aes_256_gcm_sha384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256'],
  ['TLS_RSA_WITH_3DES_EDE_CBC_SHA', 'DES-CBC3-SHA'],
  ['TLS_ECDHE_RSA_WITH_RC4_128_SHA', 'ECDHE-RSA-RC4-SHA'],
  ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ['0xc02f', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['49199', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['0x1301', 'TLS_AES_128_GCM_SHA256'],
  ['0x1234', undefined],
  ['SOMETHING', undefined],
  ['', undefined],
])('the suite %s is %s for OpenSSL', (text, name) => {
  expect(openSslCipher(text)).toBe(name);
});

it("Go's suites that are not broken are known to OpenSSL", () => {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const missing = Object.keys(SUITE_NUMBERS)
    .map((name) => openSslCipher(name) ?? name)
    .filter((name) => !known.has(name));
  expect(missing.filter((name) => !/RC4|CBC3/.test(name))).toEqual([]);
});
