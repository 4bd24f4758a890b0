/**
 * Bodies compressed on their way: which coding a client takes, and the coder itself. Works through Node's own zlib handle, without the
 * stream around it: what came is compressed and flushed in the event that brought it, so that nothing waits (an event stream is
 * passed on at once) and no response has a second life of its own.
 */
import zlib from 'node:zlib';
import { latin1 } from './bytes.ts';

/** What of Node's zlib objects is used. */
interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
  close(): void;
}

interface ZlibObject {
  readonly _handle?: ZlibHandle | null;
  /** [room left in the output, input left] after a write. */
  readonly _writeState?: Uint32Array;
}

export interface Coding {
  /** As Content-Encoding says it. */
  readonly name: string;
  readonly flush: number;
  readonly finish: number;
  make(): ZlibObject;
}

const { constants } = zlib;
/** Half the size at a third of the work that the default takes: an answer is compressed once and read once. */
const GZIP_LEVEL = 4;
const BROTLI_QUALITY = 4;

/** Since Node 22.15. */
type MakeZstd = (options?: object) => ZlibObject;
const makeZstd = (zlib as unknown as { createZstdCompress?: MakeZstd }).createZstdCompress;
const zstd = constants as unknown as Readonly<Record<string, number | undefined>>;

/** Best first. */
const CODINGS: readonly Coding[] = [
  ...(makeZstd === undefined
    ? []
    : [
        { name: 'zstd', flush: zstd.ZSTD_e_flush ?? 1, finish: zstd.ZSTD_e_end ?? 2, make: () => makeZstd() },
      ]),
  {
    name: 'br',
    flush: constants.BROTLI_OPERATION_FLUSH,
    finish: constants.BROTLI_OPERATION_FINISH,
    make: () =>
      zlib.createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY },
      }) as unknown as ZlibObject,
  },
  {
    name: 'gzip',
    flush: constants.Z_SYNC_FLUSH,
    finish: constants.Z_FINISH,
    make: () => zlib.createGzip({ level: GZIP_LEVEL }) as unknown as ZlibObject,
  },
].filter(({ make }) => isUsable(make()));

/** Where this version of Node keeps its handles elsewhere, nothing is compressed. */
function isUsable(made: ZlibObject): boolean {
  const isThere = typeof made._handle?.writeSync === 'function' && made._writeState instanceof Uint32Array;
  made._handle?.close();
  return isThere;
}

/** The best coding that an Accept-Encoding value allows; undefined: none. */
export function chooseCoding(accepted: string): Coding | undefined {
  const weights = new Map<string, number>();
  for (const part of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim());
    const weight = parameters.find((word) => word.startsWith('q='));
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return CODINGS.find(({ name }) => (weights.get(name) ?? 0) > 0);
}

const NOTHING = new Uint8Array();

/** The coder of one body. */
export class Compressor {
  /** "Content-Encoding: …" as a line. */
  readonly line: Uint8Array;
  readonly #coding: Coding;
  readonly #handle: ZlibHandle;
  readonly #state: Uint32Array;
  #closed = false;

  constructor(coding: Coding) {
    const made = coding.make();
    this.line = latin1(`Content-Encoding: ${coding.name}\r\n`);
    this.#coding = coding;
    this.#handle = made._handle as ZlibHandle;
    this.#state = made._writeState as Uint32Array;
  }

  /**
   * Compresses [from, to) to `at`, all that there is so far; `isLast` ends the body. The answer is where it ends. Up to `limit` there has
   * to be room for as much as goes in and a thousand bytes.
   */
  write(memory: Uint8Array, from: number, to: number, at: number, limit: number, isLast: boolean): number {
    const { flush, finish } = this.#coding;
    let out = at;
    let input = from;
    for (;;) {
      const room = limit - out;
      this.#handle.writeSync(
        isLast ? finish : flush,
        from === to ? NOTHING : memory,
        from === to ? 0 : input,
        to - input,
        memory,
        out,
        room,
      );
      const [left = 0, unread = 0] = this.#state;
      input = to - unread;
      out += room - left;
      if (left > 0) return out;
    }
  }

  /** Gives its memory back. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}
