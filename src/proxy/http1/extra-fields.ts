/** Fields of requests and answers that the configuration asks for. Nothing of it runs where none is configured. */
import { randomUUID } from 'node:crypto';
import type { HeaderSettings } from '../settings.ts';
import { latin1, put, textOf } from './bytes.ts';
import type { Fields } from './fields.ts';
import { continued, parseTraceparent, type Sampler, type Trace, traceparentOf } from './trace.ts';

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
  readonly #traces: boolean;
  readonly #sampler: Sampler | undefined;
  /** Of the request that `enter` looked at last; undefined where none are told. */
  trace: Trace | undefined;

  /** `sampler`: which traces are recorded that nobody has decided on; undefined: none. */
  constructor(
    { clientIp = '', requestId = '', tls, strictTransport = '', trace = false }: HeaderSettings,
    sampler?: Sampler,
  ) {
    // These two are always set, by `forwarding.ts`.
    const own = /^(?:x-forwarded-for|x-real-ip)$/i.test(clientIp) ? '' : clientIp;
    this.#own = [own, requestId, tls?.name ?? '']
      .filter((name) => name !== '')
      .map((name) => latin1(name.toLowerCase()));
    this.#traces = trace || sampler !== undefined;
    this.#sampler = sampler;
    const start = (name: string) => (name === '' ? NOTHING : latin1(`${name}: `));
    this.#clientIp = start(own);
    this.#requestId = start(requestId);
    this.#tls = tls === undefined ? NOTHING : latin1(`${tls.name}: ${tls.value}\r\n`);
    this.strictTransport =
      strictTransport === '' ? NOTHING : latin1(`Strict-Transport-Security: ${strictTransport}\r\n`);
  }

  /** A request's head was read. Marks what is replaced of what the client said of its trace. */
  enter(memory: Uint8Array, fields: Fields): void {
    if (this.#traces) this.#continueTrace(memory, fields);
  }

  /** Marks what the client sent under our names: call it before its lines are copied. */
  replace(memory: Uint8Array, fields: Fields): void {
    for (const name of this.#own) dropNamed(memory, fields, name);
  }

  /** Writes ours at `at`; the answer is the position behind them. */
  write(memory: Uint8Array, at: number, address: Uint8Array, secure: boolean): number {
    let out = put(memory, this.#clientIp, at);
    if (out > at) out = put(memory, END, put(memory, address, out));
    if (this.#requestId.length > 0) {
      out = put(memory, latin1(randomUUID()), put(memory, this.#requestId, out));
      out = put(memory, END, out);
    }
    if (this.trace !== undefined)
      out = put(memory, latin1(`traceparent: ${traceparentOf(this.trace)}\r\n`), out);
    return secure ? put(memory, this.#tls, out) : out;
  }

  /** The client's trace with a span of ours. What vendors say of it (`tracestate`) goes on with it, or not at all. */
  #continueTrace(memory: Uint8Array, fields: Fields): void {
    let parent = '';
    let lines = 0;
    for (let i = 0; i < fields.count; i++) {
      if (!fields.isNamed(memory, i, TRACEPARENT)) continue;
      fields.drop[i] = 1;
      fields.trim(memory, i);
      parent = textOf(memory, fields.valueStart, fields.valueEnd);
      lines++;
    }
    const trace = lines === 1 ? parseTraceparent(parent) : undefined;
    this.trace = continued(trace, this.#sampler);
    if (trace === undefined) dropNamed(memory, fields, TRACESTATE);
  }
}

const TRACEPARENT = latin1('traceparent');
const TRACESTATE = latin1('tracestate');

function dropNamed(memory: Uint8Array, fields: Fields, name: Uint8Array): void {
  for (let i = 0; i < fields.count; i++) if (fields.isNamed(memory, i, name)) fields.drop[i] = 1;
}
