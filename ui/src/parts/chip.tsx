import type { ComponentChildren } from 'preact';
import { formatCount } from '../format.ts';
import { withQuery } from '../location.ts';

/** One of the states that a list can be cut down to; the choice stands in the address. `state` is "" for all. */
export function Chip({
  query,
  state,
  count,
  children,
}: {
  query: URLSearchParams;
  state: string;
  count: number;
  children: ComponentChildren;
}) {
  return (
    <a
      class="chip"
      href={`${location.pathname}${withQuery(query, { state })}`}
      aria-current={(query.get('state') ?? '') === state ? 'true' : undefined}
    >
      {children} <span class="count">{formatCount(count)}</span>
    </a>
  );
}
