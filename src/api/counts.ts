import type { Sample } from '../lib/metrics.ts';

/** Classes of status codes, "1xx" first; by what remains of a code without its last two digits. */
const CLASSES = 6;

/** Requests by family of endpoints and class of the answer. A request costs one look-up and one addition. */
export class ApiCounts {
  readonly #families = new Map<string, number[]>();
  readonly #other: number[];

  /** `families`: the words behind "/v1/" that are told apart; anything else counts as "other". */
  constructor(families: Iterable<string>) {
    for (const family of families) this.#families.set(family, empty());
    this.#other = empty();
  }

  /** `path`: as it was asked for, from its slash on, with or without a query. */
  count(path: string, status: number): void {
    const counts = this.#families.get(familyOf(path)) ?? this.#other;
    const index = Math.floor(status / 100);
    counts[index] = (counts[index] ?? 0) + 1;
  }

  samples(): Sample[] {
    return [...this.#families, ['other', this.#other] as const].flatMap(([family, counts]) =>
      counts.flatMap((value, index) =>
        value === 0 ? [] : [{ labels: { family, class: `${index}xx` }, value }],
      ),
    );
  }
}

function empty(): number[] {
  return Array<number>(CLASSES).fill(0);
}

/** "kv" of "/v1/kv/a"; "" of what is not below "/v1/". */
function familyOf(path: string): string {
  if (!path.startsWith('/v1/')) return '';
  for (let at = 4; at < path.length; at++) {
    const char = path.charCodeAt(at);
    if (char === 0x2f || char === 0x3f) return path.slice(4, at);
  }
  return path.slice(4);
}
