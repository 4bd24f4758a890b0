/** What a backend is told about the client. Texts that depend only on the client's address are made once per address. */
import { keyOfAddress } from '../../balance/hash.ts';
import { latin1, move, put, sameLetters, writeNumber } from './bytes.ts';
import type { RequestRewrite } from './compose.ts';
import {
  FORWARDED,
  X_FORWARDED_FOR,
  X_FORWARDED_HOST,
  X_FORWARDED_PORT,
  X_FORWARDED_PREFIX,
  X_FORWARDED_PROTO,
  X_REAL_IP,
} from './fields.ts';
import type { RequestHead } from './request-head.ts';
import { findToldScheme } from './told-scheme.ts';

const FOR = latin1('X-Forwarded-For: ');
const XFH = latin1('X-Forwarded-Host: ');
const XFP = latin1('X-Forwarded-Port: ');
const PROTO_NAME = latin1('X-Forwarded-Proto: ');
const PREFIX = latin1('X-Forwarded-Prefix: ');
const FORWARDED_NAME = latin1('Forwarded: ');
const CRLF = latin1('\r\n');
const LIST = latin1(', ');
const HTTP = latin1('http');
const HTTPS = latin1('https');
const WS = latin1('ws');
const WSS = latin1('wss');

/** Any of the fields that `plain` holds: then they are written one by one. */
const IN_PLAIN = (1 << X_FORWARDED_FOR) | (1 << X_REAL_IP) | (1 << X_FORWARDED_PROTO) | (1 << FORWARDED);

/** What clients say counts where they say anything: an empty field is none. */
const TOLD: readonly number[] = [
  X_FORWARDED_FOR,
  X_FORWARDED_HOST,
  X_FORWARDED_PORT,
  X_FORWARDED_PROTO,
  X_REAL_IP,
  FORWARDED,
];
const IN_TOLD = TOLD.reduce((bits, field) => bits | (1 << field), 0);

export interface ForwardingOptions {
  /** Own address for `by=` of the Forwarded field; left out when not given. */
  localAddress?: string | undefined;
  /** This proxy's name in Via (RFC 9110 §7.6.3). */
  pseudonym?: string | undefined;
  /** Clients come over TLS. */
  isSecure?: boolean | undefined;
}

/** What of a request's rewriting its forwarding fields depend on. */
export type ForwardingRewrite = Pick<RequestRewrite, 'host' | 'hostPort' | 'handling' | 'upgrade'>;

/** The forwarding fields for one client address and manner of connection. */
export class Forwarding {
  readonly #plain: readonly Uint8Array[];
  readonly #via: readonly Uint8Array[];
  /** The client's address. */
  readonly address: string;
  /** The same as a key of balancing. */
  readonly clientKey: number;
  readonly addressBytes: Uint8Array;
  readonly isSecure: boolean;
  readonly #realIp: Uint8Array;
  /** Up to the scheme. */
  readonly #forwardedFront: Uint8Array;
  readonly #forwarded: readonly Uint8Array[];
  readonly #extension: readonly Uint8Array[];
  /** Of requests that leave HTTP: the scheme is ws or wss there. */
  readonly #forwardedUpgrade: readonly Uint8Array[];
  readonly #protoLine: Uint8Array;
  readonly #port: number;

  /** `security`: what the Forwarded field says of the client's TLS connection at its end; "" without TLS. */
  constructor(
    address: string,
    { localAddress, pseudonym = 'muster', isSecure = false }: ForwardingOptions = {},
    security = '',
    isHttp2 = false,
  ) {
    const proto = isSecure ? 'https' : 'http';
    const protoLine = `X-Forwarded-Proto: ${proto}\r\n`;
    const node = (ip: string) => (ip.includes(':') ? `"[${ip}]"` : ip);
    const by = localAddress === undefined ? '' : `; by=${node(localAddress)}`;
    const versions = isHttp2 ? ['2.0', '2.0'] : ['1.0', '1.1'];
    const via = versions.map((version) => `Via: ${version} ${pseudonym}\r\n`);
    const extension = versions.map((version) => `${by}; httpproto=http/${version}${security}\r\n`);
    const front = `Forwarded: for=${node(address)}; proto=`;
    const forwardedAs = (scheme: string) => extension.map((rest) => `${front}${scheme}${rest}`);
    const forwarded = forwardedAs(proto);
    this.#forwardedUpgrade = forwardedAs(isSecure ? 'wss' : 'ws').map(latin1);
    const realIp = `X-Real-Ip: ${address}\r\n`;
    this.#plain = versions.map((_, minor) =>
      latin1(`X-Forwarded-For: ${address}\r\n${realIp}${protoLine}${forwarded[minor]}${via[minor]}`),
    );
    this.#via = via.map(latin1);
    this.address = address;
    this.clientKey = keyOfAddress(address);
    this.isSecure = isSecure;
    this.addressBytes = latin1(address);
    this.#realIp = latin1(realIp);
    this.#forwardedFront = latin1(front);
    this.#forwarded = forwarded.map(latin1);
    this.#extension = extension.map(latin1);
    this.#protoLine = latin1(protoLine);
    this.#port = isSecure ? 443 : 80;
  }

  /** Marks the lines of the request that are replaced by ours: call it before its lines are copied. */
  static replace(memory: Uint8Array, { fields }: RequestHead, strip: Uint8Array): void {
    if (strip.length > 0) fields.dropAll(X_FORWARDED_PREFIX);
    if ((fields.present & IN_TOLD) === 0) return;
    for (let i = 0; i < TOLD.length; i++) fields.dropEmpty(memory, TOLD[i]!);
    fields.dropAll(X_FORWARDED_FOR);
    fields.dropAll(FORWARDED);
  }

  /**
   * Writes the fields at `at`; the answer is the position behind them. What the client said of Proto, Host, Port and Real-Ip is kept,
   * and of Proto and Forwarded one tells the scheme for the other.
   */
  write(memory: Uint8Array, head: RequestHead, rewrite: ForwardingRewrite, at: number): number {
    const fields = head.fields;
    let out = at;
    if ((fields.present & IN_PLAIN) === 0 && !rewrite.upgrade) {
      const plain = this.#plain[head.minor]!;
      out = put(memory, plain, out);
    } else out = this.#writeSingly(memory, head, rewrite.upgrade, out);
    const { host, handling } = rewrite;
    const hasHost = host.length > 0;
    if ((hasHost || head.hostEnd > head.hostStart) && !fields.has(X_FORWARDED_HOST)) {
      out = put(memory, XFH, out);
      if (hasHost) out = put(memory, host, out);
      else {
        move(memory, out, head.hostStart, head.hostEnd);
        out += head.hostEnd - head.hostStart;
      }
      out = put(memory, CRLF, out);
    }
    if (!fields.has(X_FORWARDED_PORT)) {
      const port = hasHost ? rewrite.hostPort : head.port;
      out = writeNumber(memory, put(memory, XFP, out), port < 0 ? this.#port : port);
      out = put(memory, CRLF, out);
    }
    const { strip } = handling;
    if (strip.length === 0) return out;
    return put(memory, CRLF, put(memory, strip, put(memory, PREFIX, out)));
  }

  #writeSingly(memory: Uint8Array, head: RequestHead, isUpgrade: boolean, at: number): number {
    const fields = head.fields;
    let out = put(memory, FOR, at);
    out = putValues(memory, head, X_FORWARDED_FOR, out);
    if (out > at + FOR.length) out = put(memory, LIST, out);
    out = put(memory, this.addressBytes, out);
    out = put(memory, CRLF, out);
    if (!fields.has(X_REAL_IP)) out = put(memory, this.#realIp, out);
    const isTold = findToldScheme(memory, fields);
    const { valueStart: from, valueEnd: to } = fields;
    if (!fields.has(X_FORWARDED_PROTO))
      out = isTold ? putProto(memory, from, to, out) : put(memory, this.#protoLine, out);
    if (fields.has(FORWARDED)) {
      out = put(memory, FORWARDED_NAME, out);
      out = putValues(memory, head, FORWARDED, out);
      out = put(memory, this.#extension[head.minor]!, out);
    } else if (isTold) {
      out = put(memory, this.#forwardedFront, out);
      move(memory, out, from, to);
      out = put(memory, this.#extension[head.minor]!, out + to - from);
    } else out = put(memory, (isUpgrade ? this.#forwardedUpgrade : this.#forwarded)[head.minor]!, out);
    return put(memory, this.#via[head.minor]!, out);
  }
}

/** Schemes of WebSockets are told as those of HTTP they began as: clients make URLs of it. */
function putProto(memory: Uint8Array, from: number, to: number, at: number): number {
  let out = put(memory, PROTO_NAME, at);
  if (to - from === WS.length && sameLetters(memory, from, WS)) out = put(memory, HTTP, out);
  else if (to - from === WSS.length && sameLetters(memory, from, WSS)) out = put(memory, HTTPS, out);
  else {
    move(memory, out, from, to);
    out += to - from;
  }
  return put(memory, CRLF, out);
}

/** The values of all lines of a field as one list. */
function putValues(memory: Uint8Array, head: RequestHead, field: number, at: number): number {
  const fields = head.fields;
  if (!fields.has(field)) return at;
  let out = at;
  for (let i = 0; i < fields.count; i++) {
    if (fields.field[i] !== field) continue;
    fields.trim(memory, i);
    const length = fields.valueEnd - fields.valueStart;
    if (length === 0) continue;
    if (out > at) out = put(memory, LIST, out);
    move(memory, out, fields.valueStart, fields.valueEnd);
    out += length;
  }
  return out;
}
