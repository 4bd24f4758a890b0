import { Client, clientOptionsFromEnv } from '../client/index.ts';
import { fileTrouble, MusterError } from '../errors.ts';
import { contentOf } from '../lib/content-of.ts';
import { httpGet } from '../lib/http-get.ts';

/** Where gobetween's configuration comes from. */
export type GobetweenOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'consul'; readonly host: string; readonly key: string; readonly scheme: string };

/** Of a URL or a key. */
const FETCH_TIMEOUT = 30_000;

/** The configuration, and what messages call it. Throws `config.unreadable`. */
export async function textOf(
  origin: GobetweenOrigin,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ name: string; text: string }> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT);
  switch (origin.kind) {
    case 'file':
      return { name: origin.path, text: contentOf(origin.path) };
    case 'url':
      try {
        return { name: origin.url, text: (await httpGet(origin.url, { signal })).body };
      } catch (cause) {
        throw unreadable(origin.url, cause);
      }
    case 'consul': {
      const { host, key, scheme } = origin;
      const name = `the key "${key}" of Consul at ${host}`;
      try {
        // Token, certificates and the like come from Consul's variables, as gobetween has them.
        const options = { ...clientOptionsFromEnv(env), address: host, tls: scheme === 'https' };
        const text = await new Client(options).kv.text(key.replace(/^\/+/, ''), { signal });
        if (text === undefined) throw new Error('there is no such key');
        return { name, text };
      } catch (cause) {
        throw unreadable(name, cause);
      }
    }
  }
}

function unreadable(what: string, cause: unknown): MusterError {
  return new MusterError('config.unreadable', `cannot read ${what}: ${fileTrouble(cause)}`, { cause });
}
