import type { RequestOptions } from 'node:http';
import { ofNode } from './platform.ts';
import type { Fetch } from './transport.ts';

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

/**
 * A `fetch` over `node:http`: for the calls of this client, which have whole bodies and follow no redirects. Nothing of the platform's
 * `fetch` is touched, not even `Response` and `Headers`: Node loads all of it for one of them.
 */
export function nodeFetch(options: NodeFetchOptions): Fetch {
  return (address, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const url = new URL(address);
      const wanted: RequestOptions = {
        ...(options as RequestOptions),
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        },
        ...(signal ? { signal } : {}),
      };
      const going = ofNode(url.protocol === 'https:' ? 'node:https' : 'node:http').request(
        url,
        wanted,
        (answer) => {
          const { statusCode: status = 0 } = answer;
          resolve({
            ok: status >= 200 && status < 300,
            status,
            headers: {
              get: (name) => {
                const value = answer.headers[name];
                return Array.isArray(value) ? value.join(', ') : (value ?? null);
              },
            },
            async arrayBuffer() {
              const pieces: Buffer[] = [];
              for await (const piece of answer) pieces.push(piece);
              return new Uint8Array(Buffer.concat(pieces)).buffer;
            },
            get body() {
              return ofNode('node:stream').Readable.toWeb(answer) as ReadableStream<Uint8Array>;
            },
          });
        },
      );
      going.on('error', reject);
      going.end(body);
    });
}
