import type { ComponentChildren } from 'preact';

/** One of the figures that stand above everything: what it is, how much, its unit, and a word on what it means. */
export function Figure({
  label,
  value,
  unit,
  note,
  tone = '',
  children,
}: {
  label: string;
  value: string;
  unit: string;
  note: ComponentChildren;
  tone?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class={`value ${tone}`}>{value}</span> <span class="unit">{unit}</span>
        {children}
        <span class="note">{note}</span>
      </dd>
    </div>
  );
}
