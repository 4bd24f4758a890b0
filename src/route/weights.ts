/** What a target's tag and registration say about its share. */
export interface Weighted {
  /** `weight=` of the tag: a share of the whole, 0 for none said. */
  readonly fixed: number;
  /** Weight of the registration, relative to the others; 0 for no traffic at all. */
  readonly relative: number;
}

/**
 * Weights of a route's targets, to be read relative to each other.
 *
 * Without fixed shares these are the relative weights. With some, fixed shares are given out first (scaled down when they
 * come to more than 1, up when nobody else is there to take the rest), and the others split what is left by their
 * relative weights; nothing left means no traffic for them.
 */
export function weightsOf(targets: readonly Weighted[]): number[] {
  const usable = targets.filter(({ relative }) => relative > 0);
  const fixedSum = usable.reduce((sum, { fixed }) => sum + fixed, 0);
  if (fixedSum === 0) return targets.map(({ relative }) => relative);
  const others = usable.filter(({ fixed }) => fixed === 0);
  const othersSum = others.reduce((sum, { relative }) => sum + relative, 0);
  const scale = fixedSum > 1 || others.length === 0 ? 1 / fixedSum : 1;
  // Rounded, or 1 - 0.9 would leave 0.09999999999999998 to be shown.
  const left = round(Math.max(0, 1 - fixedSum));
  return targets.map(({ fixed, relative }) => {
    if (relative === 0) return 0;
    return fixed > 0 ? round(fixed * scale) : round((left * relative) / othersSum);
  });
}

function round(value: number): number {
  return Math.round(value * 1e12) / 1e12;
}
