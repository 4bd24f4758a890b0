/** Functions of sprig, each as `sprig_name`: those for text, lists, maps and numbers. */
import { type Group, own } from '../entry.ts';
import { refusing } from '../refused.ts';
import { COLLECTIONS } from './collections.ts';
import { NUMBERS } from './numbers.ts';
import { REFLECTION } from './reflect.ts';
import { TEXT } from './text.ts';

const prefixed = (group: Group): Group =>
  Object.fromEntries(Object.entries(group).map(([name, entry]) => [`sprig_${name}`, entry]));

/** What sprig has besides: times, keys and certificates, versions, the network. */
const REFUSED = [
  'hello ago date date_in_zone date_modify dateInZone dateModify duration durationRound htmlDate htmlDateInZone must_date_modify mustDateModify mustToDate now toDate unixEpoch',
  'bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES randBytes',
  'semver semverCompare getHostByName urlParse urlJoin shuffle',
]
  .join(' ')
  .split(' ');

const REASON =
  "of sprig's functions Muster has those for text, lists, maps and numbers; for times there is `timestamp`";

export const SPRIG_TEXT: Group = prefixed(TEXT);
export const SPRIG_NUMBERS: Group = prefixed(NUMBERS);
export const SPRIG_COLLECTIONS: Group = prefixed(COLLECTIONS);
export const SPRIG_REFLECTION: Group = prefixed(REFLECTION);
export const SPRIG_REFUSED: Group = Object.fromEntries(
  REFUSED.map((name) => [`sprig_${name}`, own(refusing(`sprig_${name}`, REASON), REASON, '')]),
);
