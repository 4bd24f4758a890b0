/** What all clients of one listener have in common. */

import type { ProxyLimits } from '../limits.ts';
import { latin1 } from './bytes.ts';
import { Forwarding, type ForwardingOptions } from './forwarding.ts';

/** Addresses whose forwarding texts are remembered; then it begins anew. */
const REMEMBERED_ADDRESSES = 4_096;

export interface FrontendOptions extends ForwardingOptions {
  readonly limits: ProxyLimits;
  /** Host for requests of HTTP/1.0 without one: the address it listens on. */
  readonly authority: string;
  /** Its clients call by gRPC: a page says nothing to them, nor the status of one. */
  readonly isForCalls?: boolean;
}

export class Frontend {
  readonly limits: ProxyLimits;
  readonly authority: Uint8Array;
  /** Its clients come over TLS. */
  readonly secure: boolean;
  readonly isForCalls: boolean;
  readonly #options: ForwardingOptions;
  readonly #forwarding = new Map<string, Forwarding>();
  /** One for all that are derived from each other. */
  readonly #end: { draining: boolean };

  constructor(
    { limits, authority, isForCalls = false, ...forwarding }: FrontendOptions,
    end = { draining: false },
  ) {
    this.#end = end;
    this.limits = limits;
    this.authority = latin1(authority);
    this.secure = forwarding.isSecure === true;
    this.isForCalls = isForCalls;
    this.#options = forwarding;
  }

  /** No exchange after the present one on any of its connections. */
  get draining(): boolean {
    return this.#end.draining;
  }

  set draining(is: boolean) {
    this.#end.draining = is;
  }

  /** The same for calls by gRPC, which are to be waited for in another way. */
  forCalls(limits: Partial<ProxyLimits>): Frontend {
    const authority = String.fromCharCode(...this.authority);
    const options = { ...this.#options, limits: { ...this.limits, ...limits }, authority, isForCalls: true };
    return new Frontend(options, this.#end);
  }

  /** The forwarding fields for a client's address, as a socket tells it, and what Forwarded says of its TLS connection. */
  forwardingFor(address: string, security = '', isHttp2 = false): Forwarding {
    const key = `${isHttp2 ? '2 ' : ''}${address}${security}`;
    const known = this.#forwarding.get(key);
    if (known !== undefined) return known;
    if (this.#forwarding.size >= REMEMBERED_ADDRESSES) this.#forwarding.clear();
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    const forwarding = new Forwarding(plain, this.#options, security, isHttp2);
    this.#forwarding.set(key, forwarding);
    return forwarding;
  }
}
