/** Takes the chunked coding off a body that has been found well-formed already (`http1/body.ts`), in pieces cut anywhere. */

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_END = 4;
const TRAILERS = 5;

const CR = 13;
const LF = 10;

export class ChunkReader {
  done = false;
  #state = SIZE;
  #left = 0;
  /** The trailer section, its empty line included. */
  #trailers = '';

  /** Calls `data` for each range of the body in [from, to). Sets `done` behind the trailers. */
  read(bytes: Uint8Array, from: number, to: number, data: (start: number, end: number) => void): void {
    let p = from;
    while (p < to && !this.done) {
      if (this.#state === DATA) {
        const end = Math.min(to, p + this.#left);
        data(p, end);
        this.#left -= end - p;
        p = end;
        if (this.#left === 0) this.#state = DATA_END;
        continue;
      }
      this.#take(bytes[p++]!);
    }
  }

  #take(byte: number): void {
    switch (this.#state) {
      case SIZE:
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_LF;
        else if (byte === 59) this.#state = EXTENSION;
        else if (this.#state === SIZE && byte > 32)
          this.#left = this.#left * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87);
        return;
      case SIZE_LF:
        this.#state = this.#left === 0 ? TRAILERS : DATA;
        return;
      case DATA_END:
        if (byte === LF) this.#state = SIZE;
        return;
      default:
        this.#trailers += String.fromCharCode(byte);
        this.done = byte === LF && (this.#trailers === '\r\n' || this.#trailers.endsWith('\r\n\r\n'));
    }
  }

  /** Name and value of each trailer, once it is done. */
  trailers(): [name: string, value: string][] {
    return this.#trailers
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      });
  }
}
