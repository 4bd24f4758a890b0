import { printable } from './printable.ts';

/** Rows as columns of equal width, `gap` spaces apart, each row a line without trailing spaces. */
export function columns(rows: readonly (readonly (string | number)[])[], gap = 2): string {
  const texts = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths: number[] = [];
  for (const row of texts)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return texts
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join(' '.repeat(gap))
          .trimEnd()}\n`,
    )
    .join('');
}
