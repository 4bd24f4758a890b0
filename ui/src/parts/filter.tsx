import { useRef } from 'preact/hooks';
import { STATES } from '../../../src/api/muster/wire.ts';
import { formatCount } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { StateShape } from './state.tsx';

/** Text and state to look for; both stand in the address, so that what is seen can be shared. */
export function Filter({
  query,
  counts,
  out,
  label,
}: {
  query: URLSearchParams;
  /** How many there are of each state, and of all. */
  counts: Readonly<Record<string, number>>;
  out: number;
  label: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  const state = query.get('state') ?? '';
  const choose = (changes: Record<string, string>) =>
    go(`${location.pathname}${withQuery(query, changes)}`, { replace: true });
  const chip = (value: string, count: number, name: string) => (
    <a
      key={value}
      class="chip"
      href={`${location.pathname}${withQuery(query, { state: value })}`}
      aria-current={state === value ? 'true' : undefined}
    >
      {STATES.includes(value as never) && <StateShape state={value as (typeof STATES)[number]} />}
      {name} <span class="count">{formatCount(count)}</span>
    </a>
  );
  return (
    <div class="filter">
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        value={query.get('q') ?? ''}
        onInput={() => choose({ q: input.current?.value ?? '' })}
      />
      <nav class="chips" aria-label="State">
        {chip('', counts.all ?? 0, 'all')}
        {out > 0 && chip('out', out, 'out')}
        {STATES.filter((one) => (counts[one] ?? 0) > 0).map((one) => chip(one, counts[one] ?? 0, one))}
      </nav>
    </div>
  );
}
