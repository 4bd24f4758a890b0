import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileTrouble } from '../../errors.ts';
import { pairUp } from './pairs.ts';
import { poll } from './poll.ts';
import type { SourceKind, Text } from './source.ts';

export interface PathOptions {
  /** Folder with certificates and keys, folders in it included: `*.pem`; of others that look like it is told. */
  readonly cert: string;
  /** Folder with the certificates of those who may have issued the ones of clients. */
  readonly clientCa?: string | undefined;
  /** Milliseconds between two looks. */
  readonly refresh: number;
}

/** Larger files are no certificates. */
const LARGEST = 1 << 20;

/** Reads what changed since the last time only. */
class Folder {
  readonly #path: string;
  #known = new Map<string, { stamp: string; text: string }>();

  constructor(path: string) {
    this.#path = path;
  }

  async texts(): Promise<Text[]> {
    const next = new Map<string, { stamp: string; text: string }>();
    for (const entry of await this.#entries()) {
      const name = basename(entry);
      if (!/\.(?:pem|crt|key)$/.test(name) || name.startsWith('.')) continue;
      const path = join(this.#path, entry);
      // It may be gone between the one call and the other.
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || !found.isFile() || found.size > LARGEST) continue;
      const stamp = `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
      const known = this.#known.get(path);
      const text = known?.stamp === stamp ? known.text : await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined) next.set(path, { stamp, text });
    }
    this.#known = next;
    return [...next].map(([place, { text }]) => ({ place, text }));
  }

  async #entries(): Promise<string[]> {
    try {
      return await readdir(this.#path, { recursive: true });
    } catch (cause) {
      throw new Error(`${this.#path}: ${fileTrouble(cause)}`, { cause });
    }
  }
}

export const path: SourceKind<PathOptions> = {
  about:
    'A folder of certificates: `x-cert.pem` with `x-key.pem`, or `x.pem` with both; also `fullchain.pem` with `privkey.pem`, as certbot has them.',
  follow({ cert, clientCa, refresh }, context) {
    const certificates = new Folder(cert);
    const authorities = clientCa === undefined ? undefined : new Folder(clientCa);
    return poll(
      async () => ({
        ...pairUp(await certificates.texts()),
        ...(authorities === undefined
          ? {}
          : { clientCa: (await authorities.texts()).filter(({ place }) => place.endsWith('.pem')) }),
      }),
      refresh,
      context,
    );
  },
};
