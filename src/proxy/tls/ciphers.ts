import { DEFAULT_CIPHERS } from 'node:tls';
import type { TlsVersion } from './spec.ts';

/**
 * The ciphers as OpenSSL is to be told them; undefined: its own list will do. Versions before 1.2 sign with SHA-1 and MD5, which
 * OpenSSL 3 takes at its lowest level of security only: without that they would be allowed in name and every handshake would fail.
 */
export function cipherList(
  minVersion: TlsVersion | undefined,
  ciphers: string | undefined,
): string | undefined {
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  if (!isOld || ciphers?.includes('@SECLEVEL') === true) return ciphers;
  return `${ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0`;
}
