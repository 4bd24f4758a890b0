import { STATES } from '../../../src/api/muster/wire.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Chip } from './chip.tsx';
import { SearchField } from './search-field.tsx';
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
  return (
    <div class="filter">
      <SearchField
        label={label}
        value={query.get('q') ?? ''}
        choose={(q) => go(`${location.pathname}${withQuery(query, { q })}`, { replace: true })}
      />
      <nav class="chips" aria-label="State">
        <Chip query={query} state="" count={counts.all ?? 0}>
          all
        </Chip>
        {out > 0 && (
          <Chip query={query} state="out" count={out}>
            out
          </Chip>
        )}
        {STATES.filter((one) => (counts[one] ?? 0) > 0).map((one) => (
          <Chip key={one} query={query} state={one} count={counts[one] ?? 0}>
            <StateShape state={one} />
            {one}
          </Chip>
        ))}
      </nav>
    </div>
  );
}
