import type { Change } from '../../catalog/feed.ts';
import { isSame } from '../../lib/same.ts';
import type { Subject } from './wire.ts';

/** Of what is told by nobody: what it looks like now. The answer of one look is compared with that of the one before. */
export type Sampled = Readonly<Partial<Record<Subject, () => unknown>>>;

/** The subjects that a change of the catalog is news of. */
export function newsOf(change: Change): readonly Subject[] {
  switch (change.table) {
    case 'nodes':
    case 'services':
    case 'checks':
      return HISTORY;
    case 'kv':
      // Who holds a lock stands in the key.
      return (change.before?.session ?? '') === (change.after?.session ?? '') ? KEYS : LOCKS;
    case 'sessions':
    case 'lockDelays':
      return SESSIONS;
    case 'aclTokens':
    case 'aclPolicies':
    case 'aclRoles':
      return ACCESS;
    default:
      return NONE;
  }
}

const HISTORY: readonly Subject[] = ['history'];
const KEYS: readonly Subject[] = ['keys'];
const LOCKS: readonly Subject[] = ['keys', 'sessions'];
const SESSIONS: readonly Subject[] = ['sessions'];
const ACCESS: readonly Subject[] = ['access'];
const NONE: readonly Subject[] = [];

/** Finds out whether what is told by nobody changed. */
export class Samples {
  readonly #sampled: Sampled;
  readonly #last = new Map<string, unknown>();

  constructor(sampled: Sampled) {
    this.#sampled = sampled;
  }

  /** The subjects that look other than at the last call. */
  changed(): Subject[] {
    return (Object.entries(this.#sampled) as [Subject, () => unknown][]).flatMap(([subject, look]) => {
      const now = look();
      const isKnown = this.#last.has(subject) && isSame(this.#last.get(subject), now);
      this.#last.set(subject, now);
      return isKnown ? [] : [subject];
    });
  }
}
