import type { PassiveKind } from '../kind.ts';

/** The owner reports the status itself; silence for longer than `ttl` is critical. */
export const ttl: PassiveKind = { mode: 'told', recognises: (spec) => spec.ttl > 0 };

const EXPIRED = 'TTL expired';
const LAST = `${EXPIRED} (last output before timeout follows): `;

/** Output of a check whose owner fell silent. `last` is what it said before, or this output, when it fell silent once more since. */
export function expiredOutput(last: string): string {
  if (last === '') return EXPIRED;
  return last === EXPIRED || last.startsWith(LAST) ? last : LAST + last;
}
