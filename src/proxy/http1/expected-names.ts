/**
 * The field names of the head before, by their place. Heads of one kind have the same fields in the same order again and again: such
 * a name is compared, four bytes at a time, where it would have to be read byte by byte, told from others and checked.
 */

/** Names up to this length, colon included, of so many fields. */
const WORDS = 8;
const LONGEST = WORDS * 4;
const PLACES = 64;

export class ExpectedNames {
  /** With the colon; 0: nothing is expected there. */
  readonly #length = new Uint8Array(PLACES);
  readonly #field = new Uint8Array(PLACES);
  /** The name and its colon; the last word is that of the last four bytes, whatever they share with the one before. */
  readonly #words = new Int32Array(PLACES * WORDS);

  /** Length, with the colon, of the name at `at` when it is the one that is expected at this place; else 0. */
  length(view: DataView, at: number, end: number, place: number): number {
    if (place >= PLACES) return 0;
    const length = this.#length[place]!;
    if (length === 0 || at + length > end) return 0;
    const words = this.#words;
    const last = at + length - 4;
    let word = place * WORDS;
    for (let p = at; p < last; p += 4) if (view.getInt32(p, true) !== words[word++]) return 0;
    return view.getInt32(last, true) === words[word] ? length : 0;
  }

  /** Which known field that is. */
  field(place: number): number {
    return this.#field[place]!;
  }

  /** A name that was read: `length` with its colon. */
  learn(view: DataView, at: number, length: number, place: number, field: number): void {
    if (place >= PLACES) return;
    const isTold = length >= 4 && length <= LONGEST;
    this.#length[place] = isTold ? length : 0;
    if (!isTold) return;
    this.#field[place] = field;
    const last = at + length - 4;
    let word = place * WORDS;
    for (let p = at; p < last; p += 4) this.#words[word++] = view.getInt32(p, true);
    this.#words[word] = view.getInt32(last, true);
  }
}
