/** gobetween's names of TLS versions and cipher suites, which are Go's, in OpenSSL's. */
import { openSslCipher } from '../../lib/cipher-suites.ts';
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
