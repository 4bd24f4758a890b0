import { expect, it } from 'vitest';
import { pairUp } from './pairs.ts';

const paired = (...places: string[]) => {
  const { certificates, strays } = pairUp(places.map((place) => ({ place, text: `text of ${place}` })));
  return {
    certificates: certificates.map(({ place, key }) => [place, key?.replace('text of ', '')]),
    strays,
  };
};

it('takes what certbot puts into a folder as one certificate: it lacked a key', () => {
  const folder = ['README', 'cert.pem', 'chain.pem', 'fullchain.pem', 'privkey.pem'].map(
    (name) => `/live/a/${name}`,
  );
  expect(paired(...folder, '/live/cert.pem')).toEqual({
    certificates: [
      ['/live/a/fullchain.pem', '/live/a/privkey.pem'],
      ['/live/cert.pem', undefined],
    ],
    strays: [],
  });
});

it('tells of files that are named otherwise: they were passed over without a word', () => {
  expect(paired('/c/db.crt', '/c/db.key', '/c/web-cert.pem', '/c/web-key.pem')).toEqual({
    certificates: [['/c/web-cert.pem', '/c/web-key.pem']],
    strays: [expect.stringContaining('call it db-cert.pem'), expect.stringContaining('call it db-key.pem')],
  });
});
