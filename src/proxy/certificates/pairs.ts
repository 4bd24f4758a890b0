import type { PemPair } from '../tls/certificate.ts';
import type { Text } from './source.ts';

/** What certbot puts into a folder, the certificate with what issued it first; the others there are parts of it. */
const CERTBOT = { cert: 'fullchain.pem', key: 'privkey.pem' };
const OF_CERTBOT = [CERTBOT.cert, CERTBOT.key, 'cert.pem', 'chain.pem'];

/**
 * Certificates and keys put together by their names, as fabio does: `x-cert.pem` goes with `x-key.pem`, any other `x.pem` holds both. As
 * certbot has them, too: `fullchain.pem` with the `privkey.pem` beside it. What is named as neither (`x.crt`, `x.key`) is a stray.
 * In the order of the names, so that it is clear which one comes first.
 */
export function pairUp(texts: readonly Text[]): { certificates: PemPair[]; strays: string[] } {
  const known = new Map(texts.map(({ place, text }) => [place, text]));
  const certificates: PemPair[] = [];
  const strays: string[] = [];
  for (const { place, text } of [...texts].sort((a, b) => (a.place < b.place ? -1 : 1))) {
    const name = place.slice(place.lastIndexOf('/') + 1);
    const folder = place.slice(0, place.length - name.length);
    const certbots = known.get(`${folder}${CERTBOT.key}`);
    if (certbots !== undefined && known.has(`${folder}${CERTBOT.cert}`)) {
      if (name === CERTBOT.cert) certificates.push({ place, cert: text, key: certbots });
      if (OF_CERTBOT.includes(name)) continue;
    }
    if (place.endsWith('-cert.pem')) {
      const keyPlace = `${place.slice(0, -'-cert.pem'.length)}-key.pem`;
      const key = known.get(keyPlace);
      if (key === undefined) strays.push(`${place}: its key, ${keyPlace}, is missing`);
      else certificates.push({ place, cert: text, key });
    } else if (place.endsWith('-key.pem')) {
      const certPlace = `${place.slice(0, -'-key.pem'.length)}-cert.pem`;
      if (!known.has(certPlace)) strays.push(`${place}: its certificate, ${certPlace}, is missing`);
    } else if (place.endsWith('.pem')) certificates.push({ place, cert: text });
    else if (/\.(?:crt|key)$/.test(name))
      strays.push(
        `${place}: only names that end in .pem are read: call it ${name.replace(/\.crt$/, '-cert.pem').replace(/\.key$/, '-key.pem')}`,
      );
  }
  return { certificates, strays };
}
