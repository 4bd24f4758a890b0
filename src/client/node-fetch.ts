import type { RequestOptions } from 'node:http';
import { ofNode } from './platform.ts';

/** What Node's own `fetch` cannot be told: a Unix socket, certificates. */
export interface NodeFetchOptions {
  /** Path of the socket to speak to, whatever the URL says. */
  socketPath?: string;
  /** In PEM; instead of the authorities that the system trusts. */
  ca?: string | Buffer | readonly (string | Buffer)[];
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The name that the certificate must have, instead of the URL's. */
  servername?: string;
  /** Default true. */
  rejectUnauthorized?: boolean;
}

/** A `fetch` over `node:http`: for the calls of this client, which have whole bodies and follow no redirects. */
export function nodeFetch(options: NodeFetchOptions): typeof globalThis.fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url);
      const { signal } = init;
      const body = init.body as string | Uint8Array | undefined;
      const wanted: RequestOptions = {
        ...(options as RequestOptions),
        method: init.method ?? 'GET',
        headers: {
          ...(init.headers as Record<string, string> | undefined),
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        },
        ...(signal ? { signal } : {}),
      };
      const going = ofNode(url.protocol === 'https:' ? 'node:https' : 'node:http').request(
        url,
        wanted,
        (answer) => {
          const headers = new Headers();
          for (let at = 0; at < answer.rawHeaders.length; at += 2)
            headers.append(answer.rawHeaders[at] as string, answer.rawHeaders[at + 1] as string);
          const status = answer.statusCode ?? 0;
          // These have no body, and a Response insists on it.
          const isEmpty = status === 204 || status === 304;
          if (isEmpty) answer.resume();
          resolve(
            new Response(
              isEmpty ? null : (ofNode('node:stream').Readable.toWeb(answer) as ReadableStream<Uint8Array>),
              {
                status,
                headers,
              },
            ),
          );
        },
      );
      going.on('error', reject);
      going.end(body);
    });
}
