/** A small line without axes. Gaps where nothing was measured. */
export function Spark({
  lines,
  width,
  height,
  label,
}: {
  /** Drawn in this order; each with the class of its colour. */
  lines: readonly { readonly values: readonly (number | null)[]; readonly tone: string }[];
  width: number;
  height: number;
  label: string;
}) {
  const top = Math.max(1e-9, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      {lines.map(({ values, tone }) => (
        <path key={tone} class={tone} d={pathOf(values, top, width, height)} />
      ))}
    </svg>
  );
}

export function pathOf(
  values: readonly (number | null)[],
  top: number,
  width: number,
  height: number,
): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = '';
  let isOpen = false;
  values.forEach((value, index) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const y = 1.5 + (height - 3) * (1 - value / top);
    path += `${isOpen ? 'L' : 'M'}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    isOpen = true;
  });
  return path;
}
