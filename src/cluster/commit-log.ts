/** Commits that can be gone on from, by rows in them. */
const KEEP_ROWS = 100_000;
/** Commits are joined into pieces of so many bytes for those who lack several. */
const PIECE = 64 * 1024;

export interface LoggedCommit {
  /** Index of the catalog before it. */
  readonly base: number;
  readonly rows: number;
  /** When it was made known here, ms since the epoch. */
  readonly at: number;
  /** As a line of the feed. */
  readonly line: Buffer;
}

/** Commits one after another, as followers are sent them. They are numbered; the oldest are forgotten. */
export class CommitLog {
  #commits: LoggedCommit[] = [];
  #first = 0;
  #rows = 0;
  /** Index of the catalog after the last one. */
  #index: number;
  /** As it was last asked for: those who follow mostly lack the same. */
  #piece: { from: number; to: number; bytes: Buffer } = { from: 0, to: 0, bytes: Buffer.alloc(0) };

  constructor(index: number) {
    this.#index = index;
  }

  /** Index of the catalog after the last commit. */
  get index(): number {
    return this.#index;
  }

  /** Number of the oldest commit that is kept. */
  get first(): number {
    return this.#first;
  }

  /** Number that the next commit will have. */
  get next(): number {
    return this.#first + this.#commits.length;
  }

  add(index: number, commit: LoggedCommit): void {
    this.#commits.push(commit);
    this.#index = index;
    this.#rows += commit.rows;
    while (this.#rows > KEEP_ROWS && this.#commits.length > 1) {
      this.#rows -= (this.#commits.shift() as LoggedCommit).rows;
      this.#first++;
    }
  }

  /** The number of the commit after `index`. Undefined: not all commits since then are kept. */
  numberAfter(index: number): number | undefined {
    if (index === this.#index) return this.next;
    const place = this.#placeOf(index);
    return this.#commits[place]?.base === index ? this.#first + place : undefined;
  }

  /** When the first commit that a catalog at `index` lacks was made, ms since the epoch; of those that are kept. Undefined: it lacks none. */
  lackedSince(index: number): number | undefined {
    return index >= this.#index ? undefined : this.#commits[this.#placeOf(index)]?.at;
  }

  /** Of the first commit after `index`, or of the first that is kept. */
  #placeOf(index: number): number {
    let [from, to] = [0, this.#commits.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#commits[middle] as LoggedCommit).base < index) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The lines of commits from number `from` on, which is kept; `to` is the number of the first one that does not stand in it. */
  pieceFrom(from: number): { readonly to: number; readonly bytes: Buffer } {
    const last = this.#piece;
    if (last.from === from && (last.to === this.next || last.bytes.length >= PIECE)) return last;
    const lines: Buffer[] = [];
    let to = from;
    for (let size = 0; to < this.next && size < PIECE; to++) {
      const { line } = this.#commits[to - this.#first] as LoggedCommit;
      lines.push(line);
      size += line.length;
    }
    this.#piece = { from, to, bytes: lines.length === 1 ? (lines[0] as Buffer) : Buffer.concat(lines) };
    return this.#piece;
  }
}
