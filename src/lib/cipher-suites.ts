/** TLS cipher suites by their names in IANA's registry, which Go has too, by their numbers there, and by OpenSSL's names. */

/** Those that Go knows. */
export const SUITE_NUMBERS: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_RC4_128_SHA: '0x0005',
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: '0x000a',
  TLS_RSA_WITH_AES_128_CBC_SHA: '0x002f',
  TLS_RSA_WITH_AES_256_CBC_SHA: '0x0035',
  TLS_RSA_WITH_AES_128_CBC_SHA256: '0x003c',
  TLS_RSA_WITH_AES_128_GCM_SHA256: '0x009c',
  TLS_RSA_WITH_AES_256_GCM_SHA384: '0x009d',
  TLS_AES_128_GCM_SHA256: '0x1301',
  TLS_AES_256_GCM_SHA384: '0x1302',
  TLS_CHACHA20_POLY1305_SHA256: '0x1303',
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: '0xc007',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: '0xc009',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: '0xc00a',
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: '0xc011',
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: '0xc012',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: '0xc013',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: '0xc014',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: '0xc023',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: '0xc027',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: '0xc02b',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: '0xc02c',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: '0xc02f',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: '0xc030',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: '0xcca8',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: '0xcca9',
};

const NAMES = new Map(Object.entries(SUITE_NUMBERS).map(([name, number]) => [Number(number), name]));

/**
 * "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", in any case, or "0xc02f" to "ECDHE-RSA-AES128-GCM-SHA256". The suites of TLS 1.3 have
 * one name everywhere. Undefined for what is no suite of Go's.
 */
export function openSslCipher(text: string): string | undefined {
  const name = NAMES.get(Number(text || Number.NaN)) ?? text.toUpperCase();
  if (/^TLS_(?:AES|CHACHA20)_/.test(name)) return name;
  const [, exchange, cipher = ''] = /^TLS_(?:(ECDHE_RSA|ECDHE_ECDSA)|RSA)_WITH_(\w+)$/.exec(name) ?? [];
  if (cipher === '') return undefined;
  const spelt = cipher
    .replace('3DES_EDE_CBC_SHA', 'DES_CBC3_SHA')
    .replace('RC4_128', 'RC4')
    .replace(/AES_(\d+)_(?:CBC_)?/, 'AES$1_')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305');
  return [...(exchange === undefined ? [] : [exchange]), spelt].join('_').replaceAll('_', '-');
}
