/** Rows as columns of equal width, `gap` spaces apart, each row a line without trailing spaces. */
export function columns(rows: readonly (readonly (string | number)[])[], gap = 2): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, String(cell).length);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => String(cell).padEnd(widths[at]!))
          .join(' '.repeat(gap))
          .trimEnd()}\n`,
    )
    .join('');
}
