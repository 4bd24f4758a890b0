import type { LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { LookUp, lookUpTrouble } from './look-up.ts';

type Given = string | undefined;

let clock: ManualClock;
let troubles: string[];
/** What the resolver says of each question, in turn: an address, a code of an error, or nothing ever. */
let answers: Given[];
let names: LookUp;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  troubles = [];
  names = new LookUp({
    clock,
    ask(_, __, answer) {
      const said = answers.shift();
      if (said === undefined) return;
      const isAddress = said.includes('.');
      const error = isAddress ? null : Object.assign(new Error(said), { code: said, syscall: 'getaddrinfo' });
      process.nextTick(answer, error, isAddress ? [{ address: said, family: 4 }] : []);
    },
  });
  names.onTrouble = (why) => void troubles.push(why);
});

const find = () =>
  promisify<string, LookupAddress[]>((host, done) => names.find(host, done))('be.test').then(
    (all) => all.map(({ address }) => address).join(),
    (error: NodeJS.ErrnoException) => error.code,
  );

it('goes on with the last addresses when a name cannot be looked up, and says so once: it was an outage', async () => {
  answers = ['192.0.2.1', 'EAI_AGAIN', 'ENOTFOUND', 'ENOTFOUND', '192.0.2.2'];
  expect(await find()).toBe('192.0.2.1');
  expect(await find()).toBe('192.0.2.1');
  expect(await find()).toBe('192.0.2.1');
  expect(troubles).toEqual([
    expect.stringMatching(
      /^be\.test cannot be looked up any more \(EAI_AGAIN\): .* 192\.0\.2\.1 is used on$/,
    ),
  ]);
  // Asked behind the back of those who go on.
  expect(await find()).toBe('192.0.2.1');
  expect(await find()).toBe('192.0.2.1');
  expect(troubles.at(-1)).toBe('be.test can be looked up again');
  answers = ['192.0.2.3'];
  expect(await find()).toBe('192.0.2.3');
});

it('does not wait for a resolver that is silent', async () => {
  answers = ['192.0.2.1', undefined];
  await find();
  const silent = find();
  clock.advance(1_000);
  expect(await silent).toBe('192.0.2.1');
  expect(troubles).toEqual([expect.stringContaining('(no answer)')]);
  expect(await find()).toBe('192.0.2.1');
});

it('tells of a name that nobody ever knew, and of one that is gone for a day', async () => {
  answers = ['ENOTFOUND', '192.0.2.1', 'ENOTFOUND'];
  expect(await find()).toBe('ENOTFOUND');
  expect(await find()).toBe('192.0.2.1');
  clock.advance(24 * 3_600_000);
  expect(await find()).toBe('ENOTFOUND');
});

it('leaves it an error that we have no descriptors left to ask with', async () => {
  answers = ['192.0.2.1', 'EMFILE'];
  await find();
  expect(await find()).toBe('EMFILE');
  expect(troubles).toEqual([]);
});

it('says of a name without an address that it has none: it was "connection refused"', () => {
  const of = (code: string, syscall: string) =>
    lookUpTrouble(Object.assign(new Error(), { code, syscall }), 'be.test');
  expect(of('ENOTFOUND', 'getaddrinfo')).toBe('no address is known for be.test');
  expect(of('ECONNREFUSED', 'connect')).toBeUndefined();
});
