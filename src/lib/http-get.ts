import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { shownUrl } from './shown-url.ts';

/** Of a list of backends or a configuration; thousands of entries take a hundred bytes each. */
const MAX_BODY = 16 * 1024 * 1024;
/** As browsers do; a loop ends. */
const MAX_REDIRECTS = 10;

export interface HttpGetOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Paths of PEM files, read for each request so that renewed ones are taken up. */
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    /** Take any certificate. */
    readonly skipVerify?: boolean | undefined;
  };
}

export interface HttpAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * The body of a 200, whole. Follows redirects; headers and the client's certificate are told to nobody but whom they were meant for. Rejects
 * for other answers, in words that name the status.
 */
export async function httpGet(url: string, options: HttpGetOptions): Promise<HttpAnswer> {
  let place = new URL(url);
  const { origin } = place;
  const { signal, tls } = options;
  const elsewhere = {
    signal,
    ...(tls === undefined ? {} : { tls: { ...tls, cert: undefined, key: undefined } }),
  };
  for (let redirects = 0; ; redirects++) {
    const { status, location, ...answer } = await getOnce(
      place,
      place.origin === origin ? options : elsewhere,
    );
    const isRedirect = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
    if (!isRedirect) {
      if (status === 200) return answer;
      throw new Error(`${place.host} answered ${status}: ${answer.body.slice(0, 200).trim() || 'nothing'}`);
    }
    if (redirects === MAX_REDIRECTS)
      throw new Error(`${shownUrl(url)} redirects more than ${MAX_REDIRECTS} times`);
    place = new URL(location, place);
  }
}

function getOnce(
  url: URL,
  { signal, headers = {}, tls }: HttpGetOptions,
): Promise<HttpAnswer & { status: number; location: string | undefined }> {
  const isSecure = url.protocol === 'https:';
  if (!isSecure && url.protocol !== 'http:') throw new Error(`${shownUrl(url)} is neither http nor https`);
  const pem = (path: string | undefined) =>
    path === undefined || path === '' ? undefined : readFileSync(path);
  const options = {
    agent: false,
    signal,
    headers,
    ...(isSecure
      ? {
          ca: pem(tls?.ca),
          cert: pem(tls?.cert),
          key: pem(tls?.key),
          rejectUnauthorized: tls?.skipVerify !== true,
        }
      : {}),
  };
  return new Promise((resolve, reject) => {
    const going = (isSecure ? requestOverTls : request)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > MAX_BODY)
          response.destroy(new Error(`${url.host} answers with more than ${MAX_BODY} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: got } = response;
        resolve({ status, location: got.location, headers: got, body: Buffer.concat(chunks).toString() });
      });
    });
    going.on('error', reject);
    going.end();
  });
}
