/** Output of an instance, cut into lines. */
import { StringDecoder } from 'node:string_decoder';

/** Longer lines are cut there: a program that never ends its line must not fill the memory. In characters. */
export const LONGEST_LINE = 8192;

/** Feeds whole lines, without their end, to `line`. */
export class LineSplitter {
  #rest = '';
  #decoder = new StringDecoder('utf8');
  readonly #line: (text: string) => void;

  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  write(chunk: Buffer): void {
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = parts.pop() as string;
    for (const part of parts) this.#line(part.endsWith('\r') ? part.slice(0, -1) : part);
    while (this.#rest.length > LONGEST_LINE) {
      this.#line(this.#rest.slice(0, LONGEST_LINE));
      this.#rest = this.#rest.slice(LONGEST_LINE);
    }
  }

  /** What was written without an end of line. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#line(rest);
  }
}
