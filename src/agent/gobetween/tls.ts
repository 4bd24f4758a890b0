/** gobetween's names of TLS versions and cipher suites, which are Go's, in OpenSSL's. */
import type { TlsVersion } from '../../proxy/tls/spec.ts';

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  tls1: 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
};

interface Written {
  min_version?: string | undefined;
  max_version?: string | undefined;
  ciphers?: readonly string[] | null | undefined;
}

/** What was written of it; SSL 3 and names that nobody knows are left out, as gobetween does. */
export function tlsManner({ min_version: least = '', max_version: most = '', ciphers }: Written): {
  minVersion?: TlsVersion;
  maxVersion?: TlsVersion;
  ciphers?: string;
} {
  const minVersion = VERSIONS[least];
  const maxVersion = VERSIONS[most];
  const names = (ciphers ?? []).flatMap((name) => openSslCipher(name) ?? []);
  return {
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(names.length === 0 ? {} : { ciphers: names.join(':') }),
  };
}

/** "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" to "ECDHE-RSA-AES128-GCM-SHA256"; undefined for what is no suite of Go's. */
export function openSslCipher(name: string): string | undefined {
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
