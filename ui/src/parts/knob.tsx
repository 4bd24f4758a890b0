import { useId } from 'preact/hooks';

/** A slider with its name, what it stands at, and where it stood. */
export function Knob({
  label,
  value,
  own,
  range,
  isRelative = false,
  step = 1,
  format,
  change,
}: {
  label: string;
  value: number;
  /** What it is without having been moved. */
  own: number;
  /** Least and largest. */
  range: readonly [number, number];
  /** A step is a part of the value, not an amount: for what may be 0.1 or 1,000. */
  isRelative?: boolean;
  step?: number;
  format: (value: number) => string;
  change: (value: number) => void;
}) {
  const id = useId();
  const [least, most] = range;
  const place = (amount: number) => (isRelative ? Math.log10(amount) : amount);
  const amountAt = (at: number) => (isRelative ? Number((10 ** at).toPrecision(2)) : at);
  return (
    <div class="knob">
      <label for={id}>{label}</label>
      <output for={id} class={value === own ? '' : 'moved'}>
        {format(value)}
        {value !== own && <span class="faint"> was {format(own)}</span>}
      </output>
      <input
        id={id}
        type="range"
        min={place(least)}
        max={place(most)}
        step={isRelative ? 0.02 : step}
        value={place(value)}
        aria-valuetext={format(value)}
        onInput={({ currentTarget }) => change(amountAt(Number(currentTarget.value)))}
      />
    </div>
  );
}
