/** What a connection begins with before an instance can be chosen: a PROXY header, a TLS client's hello, both, in pieces. */
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { type AcceptProxy, beginsOtherwise, type ProxyHeader, parseProxyHeader } from '../proxy-protocol.ts';
import { HelloScan, mayBeHello } from './client-hello.ts';

export interface PreludeOutcome {
  /** As the PROXY header tells them. */
  readonly ends: ProxyHeader['ends'];
  /** As the hello tells it; "" for none, and for who speaks no TLS. */
  readonly serverName: string;
  /** What the instance is to get: all that came but the PROXY header. A copy. */
  readonly rest: Buffer;
}

const NO_NAME = { serverName: '' } as const;

export class Prelude {
  readonly #seen = new GrowingBuffer();
  /** Bytes of the PROXY header. */
  #header = 0;
  #wantsHeader: AcceptProxy;
  readonly #hello: HelloScan | undefined;
  #ends: ProxyHeader['ends'];

  constructor(wantsHeader: AcceptProxy, wantsHello: boolean) {
    this.#wantsHeader = wantsHeader;
    if (wantsHello) this.#hello = new HelloScan();
  }

  /** One more piece. Both parsers give up on what is too long, so this never holds more than a hello and a read buffer. */
  read(piece: Uint8Array): PreludeOutcome | 'more' | 'invalid' {
    this.#seen.append(piece);
    const { bytes } = this.#seen;
    if (this.#wantsHeader === 'optional' && beginsOtherwise(bytes)) this.#wantsHeader = false;
    if (this.#wantsHeader) {
      const header = parseProxyHeader(bytes, 0, bytes.length);
      if (typeof header === 'string') return header;
      this.#wantsHeader = false;
      this.#ends = header.ends;
      this.#header = header.length;
    }
    const rest = bytes.subarray(this.#header);
    const hello = mayBeHello(rest) ? (this.#hello?.scan(rest) ?? NO_NAME) : NO_NAME;
    if (typeof hello === 'string') return hello;
    return { ends: this.#ends, serverName: hello.serverName, rest };
  }

  /** Nothing has come for long: where nothing has to, the connection goes on without. Undefined: it is to end. */
  late(): PreludeOutcome | undefined {
    const { bytes } = this.#seen;
    const mayBeSilent = this.#wantsHeader === 'optional' && this.#hello === undefined && bytes.length === 0;
    return mayBeSilent ? { ends: undefined, serverName: '', rest: bytes } : undefined;
  }
}
