/** Functions of sprig, each as `sprig_name`. */
import { type Group, own } from '../entry.ts';
import { refusing } from '../refused.ts';
import { COLLECTIONS } from './collections.ts';
import { NUMBERS } from './numbers.ts';
import { REFLECTION } from './reflect.ts';
import { TEXT } from './text.ts';
import { TIMES } from './times.ts';
import { URLS } from './urls.ts';
import { VERSIONS } from './versions.ts';

const prefixed = (group: Group): Group =>
  Object.fromEntries(Object.entries(group).map(([name, entry]) => [`sprig_${name}`, entry]));

/** What sprig has besides: times out of texts, keys and certificates, look-ups in DNS. */
const REFUSED = [
  'hello toDate mustToDate getHostByName shuffle',
  'bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES randBytes',
]
  .join(' ')
  .split(' ');

const REASON =
  "Muster has none of sprig's functions for keys, certificates, look-ups in DNS and times out of texts; let a program do it and ask it with `plugin`";

export const SPRIG_TEXT: Group = prefixed(TEXT);
export const SPRIG_NUMBERS: Group = prefixed(NUMBERS);
export const SPRIG_COLLECTIONS: Group = prefixed(COLLECTIONS);
export const SPRIG_REFLECTION: Group = prefixed(REFLECTION);
export const SPRIG_TIMES: Group = prefixed({ ...TIMES, ...VERSIONS, ...URLS });
export const SPRIG_REFUSED: Group = Object.fromEntries(
  REFUSED.map((name) => [`sprig_${name}`, own(refusing(`sprig_${name}`, REASON), REASON, '')]),
);
