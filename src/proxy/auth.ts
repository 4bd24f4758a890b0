/** Credentials of HTTP Basic (RFC 7617) against hashes as htpasswd writes them: bcrypt, apr1, {SHA} and {SSHA}; crypt(3) not. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AuthScheme } from './settings.ts';

/** Loaded with the first hash that needs it; its work is done in the thread pool. */
export const compareBcrypt: CompareBcrypt = async (password, hash) => {
  const { default: bcrypt } = await import('bcrypt');
  return bcrypt.compare(password, hash.replace(/^\$2[xy]\$/, '$2b$'));
};

/** Answers whether a password fits a bcrypt hash, away from the event loop. */
export type CompareBcrypt = (password: string, hash: string) => Promise<boolean>;

/** Passwords that fitted are known again for so long (ms), by a keyed digest: a bcrypt hash costs milliseconds to look at. */
const REMEMBER = 60_000;
const MOST_REMEMBERED = 10_000;
/** Looked at at a time; a flood of wrong passwords must not take the threads that files and names need. */
const MOST_PENDING = 64;

export class Credentials {
  readonly #schemes: Readonly<Record<string, AuthScheme>>;
  readonly #compare: CompareBcrypt;
  readonly #now: () => number;
  /** By scheme, a hash that is looked at for names that nobody has: how long an answer takes must not tell who is known. */
  readonly #decoys = new Map<string, string>();
  readonly #key = randomBytes(32);
  /** Until when a digest holds. */
  readonly #known = new Map<string, number>();
  #pending = 0;

  constructor(schemes: Readonly<Record<string, AuthScheme>>, compare: CompareBcrypt, now: () => number) {
    this.#schemes = schemes;
    this.#compare = compare;
    this.#now = now;
    for (const [scheme, { users }] of Object.entries(schemes)) {
      const decoy = Object.values(users).find(isBcrypt);
      if (decoy !== undefined) this.#decoys.set(scheme, decoy);
    }
  }

  realm(scheme: string): string {
    return Object.hasOwn(this.#schemes, scheme) ? (this.#schemes[scheme]?.realm ?? scheme) : scheme;
  }

  /** `authorization` is the field's value; a scheme that nobody configured lets nobody in. */
  check(scheme: string, authorization: string): boolean | Promise<boolean> {
    const users = Object.hasOwn(this.#schemes, scheme) ? this.#schemes[scheme]?.users : undefined;
    const [, encoded = ''] = /^basic +([a-z0-9+/]+=*)$/i.exec(authorization.trim()) ?? [];
    if (users === undefined || encoded === '') return false;
    const [, name = '', password] =
      /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
    const isKnown = Object.hasOwn(users, name);
    const hash = isKnown ? users[name] : this.#decoys.get(scheme);
    if (hash === undefined || password === undefined) return false;
    if (!isBcrypt(hash)) return verify(password, hash);
    const digest = createHash('sha256')
      .update(this.#key)
      .update(JSON.stringify([hash, password]))
      .digest('base64');
    if (isKnown && (this.#known.get(digest) ?? 0) > this.#now()) return true;
    if (this.#pending >= MOST_PENDING) return false;
    this.#pending++;
    return this.#compare(password, hash)
      .catch(() => false)
      .then((fits) => {
        this.#pending--;
        if (!fits || !isKnown) return false;
        if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
        this.#known.set(digest, this.#now() + REMEMBER);
        return true;
      });
  }
}

function isBcrypt(hash: string): boolean {
  return /^\$2[abxy]?\$/.test(hash);
}

const HASH = /^(?:\$apr1\$|\$1\$|\{SHA\}|\{SSHA\})/;
/** In front of a password that stands there itself; no hash begins like this. */
const CLEAR = '{CLEAR}';

export interface Htpasswd {
  readonly users: Readonly<Record<string, string>>;
  /** Numbers of lines that cannot be read. */
  readonly bad: readonly number[];
  /** And of those with a password in clear. */
  readonly clear: readonly number[];
}

/** Lines "name:hash". `takesClear`: what looks like no hash is the password itself, as fabio has it. */
export function parseHtpasswd(text: string, takesClear = false): Htpasswd {
  const users: Record<string, string> = {};
  const bad: number[] = [];
  const clear: number[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name, hash = ''] = /^([^:]+):(.+)$/.exec(line) ?? [];
    if (name === undefined) bad.push(index + 1);
    else if (!hash.includes(' ') && (isBcrypt(hash) || HASH.test(hash))) users[name] = hash;
    else if (takesClear && !/^[${]/.test(hash)) {
      clear.push(index + 1);
      users[name] = CLEAR + hash;
    } else bad.push(index + 1);
  }
  return { users, bad, clear };
}

/** Of a SHA-1; what follows it is the salt. */
const SHA_BYTES = 20;

function verify(password: string, hash: string): boolean {
  const digest = (...parts: (string | Buffer)[]) =>
    parts.reduce((sum, part) => sum.update(part), createHash('sha1')).digest('base64');
  if (hash.startsWith('{SHA}')) return same(digest(password), hash.slice('{SHA}'.length));
  if (hash.startsWith('{SSHA}')) {
    const bytes = Buffer.from(hash.slice('{SSHA}'.length), 'base64');
    return same(digest(password, bytes.subarray(SHA_BYTES)), bytes.toString('base64', 0, SHA_BYTES));
  }
  // Of digests, so that the time it takes tells nothing of the length.
  if (hash.startsWith(CLEAR)) return same(digest(password), digest(hash.slice(CLEAR.length)));
  const [, magic = '', salt = '', wanted = ''] = /^(\$apr1\$|\$1\$)([^$]{1,8})\$(.+)$/.exec(hash) ?? [];
  return magic !== '' && same(md5Crypt(password, salt, magic), wanted);
}

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The MD5 of crypt(3) and of Apache (`magic` tells them apart): a thousand rounds, half a millisecond. */
function md5Crypt(password: string, salt: string, magic: string): string {
  const secret = Buffer.from(password);
  const md5 = (...parts: (Buffer | string)[]) => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const inner = md5(secret, salt, secret);
  const parts: (Buffer | string)[] = [secret, magic, salt];
  for (let left = secret.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = secret.length; bits > 0; bits >>= 1)
    parts.push((bits & 1) === 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
  let final = md5(...parts);
  for (let round = 0; round < 1_000; round++) {
    const isOdd = (round & 1) === 1;
    final = md5(
      isOdd ? secret : final,
      round % 3 === 0 ? '' : salt,
      round % 7 === 0 ? '' : secret,
      isOdd ? final : secret,
    );
  }
  const triple = (a: number, b: number, c: number) =>
    ((final[a]! << 16) | (final[b]! << 8) | final[c]!) >>> 0;
  const encode = (value: number, length: number) => {
    let text = '';
    for (let rest = value, i = 0; i < length; i++, rest >>>= 6) text += ALPHABET[rest & 63];
    return text;
  };
  return (
    encode(triple(0, 6, 12), 4) +
    encode(triple(1, 7, 13), 4) +
    encode(triple(2, 8, 14), 4) +
    encode(triple(3, 9, 15), 4) +
    encode(triple(4, 10, 5), 4) +
    encode(final[11]!, 2)
  );
}
