/** What a connection begins with before an instance can be chosen: a PROXY header, a TLS client's hello, both, in pieces. */
import { type ProxyHeader, parseProxyHeader } from '../proxy-protocol.ts';
import { parseClientHello } from './client-hello.ts';

export interface PreludeOutcome {
  /** As the PROXY header tells them. */
  readonly ends: ProxyHeader['ends'];
  /** As the hello tells it; "" for none. */
  readonly serverName: string;
  /** What the instance is to get: all that came but the PROXY header. A copy. */
  readonly rest: Buffer;
}

export class Prelude {
  #bytes = Buffer.alloc(0);
  #wantsHeader: boolean;
  readonly #wantsHello: boolean;
  #ends: ProxyHeader['ends'];

  constructor(wantsHeader: boolean, wantsHello: boolean) {
    this.#wantsHeader = wantsHeader;
    this.#wantsHello = wantsHello;
  }

  /** One more piece. Both parsers give up on what is too long, so this never holds more than a hello and a read buffer. */
  read(piece: Uint8Array): PreludeOutcome | 'more' | 'invalid' {
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    if (this.#wantsHeader) {
      const header = parseProxyHeader(this.#bytes, 0, this.#bytes.length);
      if (typeof header === 'string') return header;
      this.#wantsHeader = false;
      this.#ends = header.ends;
      this.#bytes = this.#bytes.subarray(header.length);
    }
    const hello = this.#wantsHello
      ? parseClientHello(this.#bytes, 0, this.#bytes.length)
      : { serverName: '' };
    if (typeof hello === 'string') return hello;
    return { ends: this.#ends, serverName: hello.serverName, rest: this.#bytes };
  }
}
