import { describe, expect, it } from 'vitest';
import { Credentials, compareBcrypt, parseHtpasswd } from './auth.ts';

// As `htpasswd` makes them, all of "secret".
const FILE = `# staff
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
apr:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
bob:$2y$05$kvEL.asmUOfl/cqKe3KrK.yrytfcHOas8zisQH1Sqr6g5EeZgb2Xu
salted:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0
plain:secret
nonsense
`;
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('basic credentials', () => {
  const { users, bad } = parseHtpasswd(FILE);
  const credentials = (compare = compareBcrypt, now = () => 0) =>
    new Credentials({ staff: { realm: 'Staff', users } }, compare, now);

  it('are read from a file; lines that cannot be are told', () => {
    expect(Object.keys(users)).toEqual(['sha', 'apr', 'bob', 'salted']);
    expect(bad).toEqual([6, 7]);
  });

  it('may stand there themselves where that is asked for; what begins like a hash is none of them', async () => {
    const { users, bad, clear } = parseHtpasswd('ann:s3 cret:x\nbob:$5$ab$cd\neve:{MD5}x\nnobody:\n', true);
    expect(clear).toEqual([1]);
    expect(bad).toEqual([2, 3, 4]);
    const known = new Credentials({ staff: { realm: 'Staff', users } }, compareBcrypt, () => 0);
    expect(await known.check('staff', basic('ann', 's3 cret:x'))).toBe(true);
    expect(await known.check('staff', basic('ann', 's3 cret'))).toBe(false);
    expect(await known.check('staff', basic('ann', '{CLEAR}s3 cret:x'))).toBe(false);
  });

  it.each([
    ['sha', 'secret', true],
    ['sha', 'Secret', false],
    ['apr', 'secret', true],
    ['apr', 'secret ', false],
    ['salted', 'secret', true],
    ['salted', 'secretsalt', false],
    ['bob', 'wrong', false],
    ['eve', 'secret', false],
    ['__proto__', 'secret', false],
  ])('%s with "%s": %s', async (user, password, expected) => {
    expect(await credentials().check('staff', basic(user, password))).toBe(expected);
  });

  it.each([
    '',
    'Basic',
    'Basic !',
    'Bearer x',
    basic('sha', 'secret').replace('Basic', 'Digest'),
    'Basic c2hh',
  ])('nobody gets in with %j', async (value) => {
    expect(await credentials().check('staff', value)).toBe(false);
  });

  it('let nobody in by a scheme that is not there', async () => {
    expect(await credentials().check('nobody', basic('sha', 'secret'))).toBe(false);
    expect(await credentials().check('constructor', basic('sha', 'secret'))).toBe(false);
  });

  it('a name that nobody has costs what one costs that somebody has', async () => {
    let asked = 0;
    const known = credentials(async () => ++asked > 0);
    for (const name of ['bob', 'eve', 'eve'])
      expect(await known.check('staff', basic(name, 'x'))).toBe(name === 'bob');
    expect(asked).toBe(3);
  });

  it('a bcrypt hash is looked at elsewhere, once a minute', async () => {
    let asked = 0;
    let time = 0;
    const known = credentials(
      (password, hash) => {
        asked++;
        return compareBcrypt(password, hash);
      },
      () => time,
    );
    const first = known.check('staff', basic('bob', 'secret'));
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe(true);
    expect(known.check('staff', basic('bob', 'secret'))).toBe(true);
    expect(await known.check('staff', basic('bob', 'other'))).toBe(false);
    time = 60_001;
    expect(await known.check('staff', basic('bob', 'secret'))).toBe(true);
    expect(asked).toBe(3);
  });

  it('a flood of them waits in no queue without end', async () => {
    let release = () => {};
    const gate = new Promise<boolean>((resolve) => {
      release = () => resolve(false);
    });
    const flooded = credentials(() => gate);
    const verdicts = Array.from({ length: 100 }, (_, i) => flooded.check('staff', basic('bob', `${i}`)));
    expect(verdicts.filter((verdict) => verdict === false)).toHaveLength(36);
    release();
    expect((await Promise.all(verdicts)).some((verdict) => verdict)).toBe(false);
    expect(flooded.check('staff', basic('bob', 'again'))).toBeInstanceOf(Promise);
  });
});
