/** Where in a file a value stands, so that every error can say so. */

export interface Place {
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 code units. */
  column: number;
}

export type Key = string | number;
export type Path = readonly Key[];

/**
 * Places by path: of each key as it is written, and of its value. A path that was not written (a default) has the
 * place of the nearest thing around it.
 */
export class Places {
  #keys = new Map<string, Place>();
  #values = new Map<string, Place>();

  /** The first place wins: a table that is opened again stays where it was begun. */
  addKey(path: Path, place: Place): void {
    addOnce(this.#keys, path, place);
  }

  addValue(path: Path, place: Place): void {
    addOnce(this.#values, path, place);
  }

  hasKey(path: Path): boolean {
    return this.#keys.has(JSON.stringify(path));
  }

  key(path: Path): Place | undefined {
    for (let length = path.length; length > 0; length--) {
      const place = this.#keys.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** Of a table that was opened by a header, the header. */
  value(path: Path): Place | undefined {
    for (let length = path.length; length > 0; length--) {
      const key = JSON.stringify(path.slice(0, length));
      const place = this.#values.get(key) ?? this.#keys.get(key);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

function addOnce(places: Map<string, Place>, path: Path, place: Place): void {
  const key = JSON.stringify(path);
  if (!places.has(key)) places.set(key, place);
}

/** Answers with the line and column of an offset in a text; the text is looked through once. */
export function placesIn(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}

/** What is wrong with the text itself, and where. */
export class SyntaxFault extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.name = 'SyntaxFault';
    this.place = place;
  }
}
