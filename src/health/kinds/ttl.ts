import type { PassiveKind } from '../kind.ts';

/** The owner reports the status itself; silence for longer than `ttl` is critical. */
export const ttl: PassiveKind = { mode: 'told', recognises: (spec) => spec.ttl > 0 };

/** Output of a check whose owner fell silent. `last` is what it said before. */
export function expiredOutput(last: string): string {
  return last === '' ? 'TTL expired' : `TTL expired (last output before timeout follows): ${last}`;
}
