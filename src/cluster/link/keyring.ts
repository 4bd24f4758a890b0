import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { MusterError, messageOf } from '../../errors.ts';
import { writeWhole } from '../../lib/write-whole.ts';

/** A key of the cluster, and what is derived from it. */
interface Key {
  /** As operators write it: 16 or 32 bytes in base64. Never logged. */
  readonly text: string;
  /** By which a link names the key that it is made with; says nothing about the key. */
  readonly name: string;
  /** What TLS works with. */
  readonly secret: Buffer;
  /** What questions for servers on the network are sealed with. */
  readonly autoJoin: Buffer;
}

const KEY_BYTES = new Set([16, 24, 32]);

/** Throws `config.invalid`; the message does not quote the key. */
export function parseKey(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (!KEY_BYTES.has(bytes.length) || bytes.toString('base64') !== text.trim())
    throw new MusterError(
      'config.invalid',
      'a key of the cluster is 16 or 32 bytes in base64: `muster keygen` makes one',
    );
  return bytes;
}

function keyOf(text: string): Key {
  const bytes = parseKey(text);
  const derive = (what: string, length: number) =>
    Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `muster ${what}`, length));
  return {
    text: text.trim(),
    name: derive('link key name', 12).toString('base64url'),
    secret: derive('link key', 32),
    autoJoin: derive('auto-join key', 32),
  };
}

/**
 * The keys of the cluster. All of them are good for links that come in, the first for links that are made. What
 * was changed while running is kept in a file, which then counts instead of the configuration, as in Consul.
 */
export class Keyring {
  readonly #file: string | undefined;
  #keys: Key[];

  private constructor(keys: Key[], file: string | undefined) {
    this.#keys = keys;
    this.#file = file;
  }

  /** Throws `config.invalid` when there is no key, neither in the file nor from the configuration. */
  static open(configured: string, directory: string | undefined): Keyring {
    const file = directory === undefined ? undefined : path.join(directory, 'keyring.json');
    const kept = file === undefined ? undefined : read(file);
    const texts = kept ?? (configured === '' ? [] : [configured]);
    if (texts.length === 0)
      throw new MusterError(
        'config.invalid',
        'a cluster needs a key that all its nodes have: make one with `muster keygen` and give it to each with -encrypt=KEY (in files `encrypt` below [cluster])',
      );
    return new Keyring(texts.map(keyOf), file);
  }

  /** What a link is made with. */
  get primary(): Key {
    return this.#keys[0] as Key;
  }

  /** The secret of a key that a link names; undefined for a stranger's. */
  secretOf(name: string): Buffer | undefined {
    return this.#keys.find((key) => key.name === name)?.secret;
  }

  /** Of all keys, the primary one first. */
  autoJoinSecrets(): Buffer[] {
    return this.#keys.map(({ autoJoin }) => autoJoin);
  }

  /** All keys as written, the primary one first. */
  list(): string[] {
    return this.#keys.map(({ text }) => text);
  }

  install(text: string): void {
    const key = keyOf(text);
    if (!this.#keys.some(({ name }) => name === key.name)) this.#set([...this.#keys, key]);
  }

  /** Throws `request.rejected` when the key is not installed. */
  use(text: string): void {
    const { name } = keyOf(text);
    const key = this.#keys.find((one) => one.name === name);
    if (key === undefined) throw new MusterError('request.rejected', 'Requested key is not in the keyring');
    this.#set([key, ...this.#keys.filter((one) => one !== key)]);
  }

  /** Throws `request.rejected` for the primary key. */
  remove(text: string): void {
    const { name } = keyOf(text);
    if (this.primary.name === name)
      throw new MusterError('request.rejected', 'Removing the primary key is not allowed');
    this.#set(this.#keys.filter((one) => one.name !== name));
  }

  /** Takes over the keys of a server that is followed. They are in force also when this throws, as they could not be kept. */
  replace(texts: readonly string[]): void {
    if (texts.length === 0 || texts.join() === this.list().join()) return;
    this.#keys = texts.map(keyOf);
    this.#set(this.#keys);
  }

  #set(keys: Key[]): void {
    if (this.#file !== undefined) writeWhole(this.#file, JSON.stringify(keys.map(({ text }) => text)));
    this.#keys = keys;
  }
}

function read(file: string): string[] | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(kept) && kept.length > 0 && kept.every((one) => typeof one === 'string')) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Not the parser's own words: they quote the text, and that is secret.
    const why = error instanceof SyntaxError ? 'it is no JSON' : messageOf(error);
    throw new MusterError('store.unusable', `cannot read the keys of the cluster from ${file}: ${why}`);
  }
  throw new MusterError(
    'store.unusable',
    `${file} should hold a list of keys: remove it to begin with the configured one`,
  );
}
