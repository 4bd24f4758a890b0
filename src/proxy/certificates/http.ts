import { fetchTrouble } from '../../errors.ts';
import { shownUrl } from '../../lib/shown-url.ts';
import { pairUp } from './pairs.ts';
import { poll } from './poll.ts';
import type { SourceKind, Text } from './source.ts';

export interface HttpOptions {
  /** URL of a text with the names of the files beside it, one a line. Its user, password and query are the files' too. */
  readonly cert: string;
  readonly clientCa?: string | undefined;
  /** Of the requests. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds between two looks. */
  readonly refresh: number;
}

const TIMEOUT = 10_000;
/** A list or a certificate that is longer is none. */
const LARGEST = 1 << 20;
const MOST_FILES = 10_000;

type Headers = Readonly<Record<string, string>>;

async function get(url: URL, given: Headers, signal: AbortSignal): Promise<string> {
  try {
    const { place, headers } = withCredentials(url, given);
    const limit = AbortSignal.timeout(TIMEOUT);
    const response = await fetch(place, { headers, signal: AbortSignal.any([signal, limit]) });
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
    throw new Error(`${shownUrl(url)} cannot be read: ${fetchTrouble(error)}`, { cause: error });
  }
}

/** `fetch` takes no user in a URL. */
function withCredentials(url: URL, given: Headers): { place: URL; headers: Headers } {
  const { username, password } = url;
  if (username === '' && password === '') return { place: url, headers: given };
  const place = new URL(url);
  place.username = place.password = '';
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { place, headers: { ...given, authorization: `Basic ${Buffer.from(user).toString('base64')}` } };
}

async function textsOf(where: string, headers: Headers, signal: AbortSignal): Promise<Text[]> {
  const list = new URL(where);
  const names = (await get(list, headers, signal)).split('\n').map((line) => line.trim());
  const wanted = names.filter((name) => name !== '').slice(0, MOST_FILES);
  const texts: Text[] = [];
  for (const name of wanted) {
    // In the list's folder also with a slash in front, as fabio has it: there the name follows the folder's without one.
    const url = new URL(name.replace(/^\/+/, ''), list);
    if (url.origin === list.origin && url.search === '') url.search = list.search;
    // What is sent to the one server is none of another's business.
    const own = url.origin === list.origin ? headers : {};
    texts.push({ place: shownUrl(url), text: await get(url, own, signal) });
  }
  return texts;
}

export const http: SourceKind<HttpOptions> = {
  about: 'A list of file names at a URL, and the files beside it, named as in a folder.',
  follow: ({ cert, clientCa, headers = {}, refresh }, context) =>
    poll(
      async (signal) => ({
        ...pairUp(await textsOf(cert, headers, signal)),
        ...(clientCa === undefined ? {} : { clientCa: await textsOf(clientCa, headers, signal) }),
      }),
      refresh,
      context,
    ),
};
