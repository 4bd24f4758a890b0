/** Turns of a weighted round, spread evenly. */

/** Up to so many targets the exact shares are looked for; beyond it they are rounded. */
const EXACT_UP_TO = 64;
/** Turns of a round when shares must be rounded: an error of a thousandth at most. */
const ROUNDED = 1000;
/** Among thousands of targets a round of four turns each is as fine as anybody can see. */
const TURNS_EACH = 4;

/**
 * The order of a weighted round, as indices into `weights`: each index as often as its weight says, its turns as
 * far apart as possible. Undefined when all weights are equal: then the targets in order are the round. Every
 * positive weight gets at least one turn.
 */
export function ringOf(weights: readonly number[]): Uint32Array | undefined {
  const first = weights[0];
  if (first === undefined || weights.every((weight) => weight === first)) return undefined;
  const counts = turnCounts(weights);
  const turns: { at: number; index: number }[] = [];
  for (const [index, count] of counts.entries())
    for (let turn = 0; turn < count; turn++) turns.push({ at: (turn + 0.5) / count, index });
  // Among equals the lighter first: it has the fewer places to go.
  turns.sort((a, b) => a.at - b.at || (counts[a.index] ?? 0) - (counts[b.index] ?? 0) || a.index - b.index);
  return Uint32Array.from(turns, ({ index }) => index);
}

function turnCounts(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length <= EXACT_UP_TO) {
    for (let length = weights.length; length <= ROUNDED; length++) {
      const counts = weights.map((weight) => (weight / total) * length);
      if (counts.every((count) => count > 0.5 && Math.abs(count - Math.round(count)) < 1e-6))
        return counts.map(Math.round);
    }
  }
  const length = Math.max(ROUNDED, weights.length * TURNS_EACH);
  return weights.map((weight) => Math.max(1, Math.round((weight / total) * length)));
}
