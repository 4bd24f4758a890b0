import { readFile } from 'node:fs/promises';
import { poll } from './poll.ts';
import type { SourceKind, Text } from './source.ts';

export interface FileOptions {
  /** Certificate, with what issued it behind it; may hold the key too. */
  readonly cert: string;
  /** Default: in `cert`. */
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
  /** Milliseconds between two looks. */
  readonly refresh: number;
}

async function read(path: string): Promise<Text> {
  return { place: path, text: await readFile(path, 'utf8') };
}

export const file: SourceKind<FileOptions> = {
  about: 'One certificate in a file, its key in the same or another.',
  follow: ({ cert, key, clientCa, passphrase, refresh }, context) =>
    poll(
      async () => ({
        certificates: [
          {
            place: cert,
            cert: (await read(cert)).text,
            ...(key === undefined ? {} : { key: (await read(key)).text }),
            ...(passphrase === undefined ? {} : { passphrase }),
          },
        ],
        ...(clientCa === undefined ? {} : { clientCa: [await read(clientCa)] }),
      }),
      refresh,
      context,
    ),
};
