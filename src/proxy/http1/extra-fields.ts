/** Fields of requests and answers that the configuration asks for. Nothing of it runs where none is configured. */
import { randomUUID } from 'node:crypto';
import type { HeaderSettings } from '../settings.ts';
import { latin1, sameLetters } from './bytes.ts';
import type { Fields } from './fields.ts';

const END = latin1('\r\n');
const NOTHING = new Uint8Array();

export class ExtraFields {
  /** A whole line for answers over TLS; empty for none. */
  readonly strictTransport: Uint8Array;
  /** Lower-case names of fields that only we may set. */
  readonly #own: readonly Uint8Array[];
  readonly #clientIp: Uint8Array;
  readonly #requestId: Uint8Array;
  readonly #tls: Uint8Array;

  constructor({ clientIp = '', requestId = '', tls, strictTransport = '' }: HeaderSettings) {
    // These two are always set, by `forwarding.ts`.
    const own = /^(?:x-forwarded-for|x-real-ip)$/i.test(clientIp) ? '' : clientIp;
    this.#own = [own, requestId, tls?.name ?? '']
      .filter((name) => name !== '')
      .map((name) => latin1(name.toLowerCase()));
    const start = (name: string) => (name === '' ? NOTHING : latin1(`${name}: `));
    this.#clientIp = start(own);
    this.#requestId = start(requestId);
    this.#tls = tls === undefined ? NOTHING : latin1(`${tls.name}: ${tls.value}\r\n`);
    this.strictTransport =
      strictTransport === '' ? NOTHING : latin1(`Strict-Transport-Security: ${strictTransport}\r\n`);
  }

  /** Marks what the client sent under our names: call it before its lines are copied. */
  replace(memory: Uint8Array, fields: Fields): void {
    for (const name of this.#own) {
      for (let i = 0; i < fields.count; i++) {
        const from = fields.start[i]!;
        if (fields.colon[i]! - from === name.length && sameLetters(memory, from, name)) fields.drop[i] = 1;
      }
    }
  }

  /** Writes ours at `at`; the answer is the position behind them. */
  write(memory: Uint8Array, at: number, address: Uint8Array, secure: boolean): number {
    let out = put(memory, this.#clientIp, at);
    if (out > at) out = put(memory, END, put(memory, address, out));
    if (this.#requestId.length > 0) {
      out = put(memory, latin1(randomUUID()), put(memory, this.#requestId, out));
      out = put(memory, END, out);
    }
    return secure ? put(memory, this.#tls, out) : out;
  }
}

function put(memory: Uint8Array, bytes: Uint8Array, at: number): number {
  memory.set(bytes, at);
  return at + bytes.length;
}
