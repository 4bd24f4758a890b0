import { messageOf } from '../../errors.ts';
import { pairUp } from './pairs.ts';
import { poll } from './poll.ts';
import type { SourceKind, Text } from './source.ts';

export interface HttpOptions {
  /** URL of a text with the names of the files beside it, one a line. */
  readonly cert: string;
  readonly clientCa?: string | undefined;
  /** Milliseconds between two looks. */
  readonly refresh: number;
}

const TIMEOUT = 10_000;
/** A list or a certificate that is longer is none. */
const LARGEST = 1 << 20;
const MOST_FILES = 10_000;

async function get(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > LARGEST) throw new Error(`longer than ${LARGEST} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } catch (error) {
    throw new Error(`${withoutSecrets(url)} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The URL without user and query, for messages. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function textsOf(list: string, signal: AbortSignal): Promise<Text[]> {
  const names = (await get(list, signal)).split('\n').map((line) => line.trim());
  const wanted = names.filter((name) => name !== '').slice(0, MOST_FILES);
  const texts: Text[] = [];
  for (const name of wanted) {
    const url = new URL(name, list).href;
    texts.push({ place: withoutSecrets(url), text: await get(url, signal) });
  }
  return texts;
}

export const http: SourceKind<HttpOptions> = {
  about: 'A list of file names at a URL, and the files beside it, named as in a folder.',
  follow: ({ cert, clientCa, refresh }, context) =>
    poll(
      async (signal) => ({
        ...pairUp(await textsOf(cert, signal)),
        ...(clientCa === undefined ? {} : { clientCa: await textsOf(clientCa, signal) }),
      }),
      refresh,
      context,
    ),
};
