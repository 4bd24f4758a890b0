import { readFile } from 'node:fs/promises';
import { fileTrouble } from '../../errors.ts';
import type { PemPair } from '../tls/certificate.ts';
import { poll } from './poll.ts';
import type { SourceKind, Text } from './source.ts';

export interface FileOptions {
  /** Certificate, with what issued it behind it; may hold the key too. Left out: authorities of clients only. */
  readonly cert?: string | undefined;
  /** Default: in `cert`. */
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
  /** Milliseconds between two looks. */
  readonly refresh: number;
}

async function read(path: string): Promise<Text> {
  try {
    return { place: path, text: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new Error(`${path}: ${fileTrouble(cause)}`, { cause });
  }
}

/** `web.pem.ocsp` beside `web.pem`, as HAProxy takes it; whoever renews the certificate renews it too. */
async function readStaple(place: string): Promise<{ staple?: Uint8Array }> {
  const staple = await readFile(`${place}.ocsp`).catch(() => undefined);
  return staple === undefined || staple.length === 0 ? {} : { staple };
}

async function readPair(place: string, { key, passphrase }: FileOptions): Promise<PemPair> {
  return {
    place,
    cert: (await read(place)).text,
    ...(key === undefined ? {} : { key: (await read(key)).text }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(await readStaple(place)),
  };
}

export const file: SourceKind<FileOptions> = {
  about: 'One certificate in a file, its key in the same or another.',
  follow: (options, context) =>
    poll(
      async () => ({
        certificates: options.cert === undefined ? [] : [await readPair(options.cert, options)],
        ...(options.clientCa === undefined ? {} : { clientCa: [await read(options.clientCa)] }),
      }),
      options.refresh,
      context,
    ),
};
