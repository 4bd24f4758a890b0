import type { PemPair } from '../tls/certificate.ts';
import type { Text } from './source.ts';

/**
 * Certificates and keys put together by their names, as fabio does: `x-cert.pem` goes with `x-key.pem`, any other `x.pem` holds both.
 * In the order of the names, so that it is clear which one comes first.
 */
export function pairUp(texts: readonly Text[]): { certificates: PemPair[]; strays: string[] } {
  const known = new Map(texts.map(({ place, text }) => [place, text]));
  const certificates: PemPair[] = [];
  const strays: string[] = [];
  for (const { place, text } of [...texts].sort((a, b) => (a.place < b.place ? -1 : 1))) {
    if (place.endsWith('-cert.pem')) {
      const keyPlace = `${place.slice(0, -'-cert.pem'.length)}-key.pem`;
      const key = known.get(keyPlace);
      if (key === undefined) strays.push(`${place}: its key, ${keyPlace}, is missing`);
      else certificates.push({ place, cert: text, key });
    } else if (place.endsWith('-key.pem')) {
      const certPlace = `${place.slice(0, -'-key.pem'.length)}-cert.pem`;
      if (!known.has(certPlace)) strays.push(`${place}: its certificate, ${certPlace}, is missing`);
    } else if (place.endsWith('.pem')) certificates.push({ place, cert: text });
  }
  return { certificates, strays };
}
