// @ts-check
// Arithmetic over measurements.

/** @param {readonly number[]} values @param {number} share between 0 and 1 */
export function quantile(values, share) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return /** @type {number} */ (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
}

/** @param {readonly number[]} values */
export function median(values) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = /** @type {number} */ (sorted[half]);
  return sorted.length % 2 === 1 ? upper : (upper + /** @type {number} */ (sorted[half - 1])) / 2;
}

/**
 * How two compare: the median of the ratios within a round, since rounds differ more than those who are compared within one.
 * @template {{ round: number }} Run
 * @param {readonly Run[]} mine
 * @param {readonly Run[]} others
 * @param {(run: Run) => number} figure
 */
export function ratioOf(mine, others, figure) {
  return median(
    mine.flatMap((run) =>
      others.filter(({ round }) => round === run.round).map((other) => figure(run) / figure(other)),
    ),
  );
}

/** Rounds to what can be told apart: three significant digits, whole numbers from 100 on. @param {number} value */
export function rounded(value) {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/**
 * The order of a round: another first one each time, so that what the machine does over time hits all alike.
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} round from 1 on
 */
export function inTurn(items, round) {
  return items.map((_, i) => /** @type {Item} */ (items[(i + round - 1) % items.length]));
}

/**
 * A table for people, columns aligned; numbers to the right.
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
export function table(head, rows) {
  const cells = [
    head,
    ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? rounded(cell) : cell))),
  ];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
