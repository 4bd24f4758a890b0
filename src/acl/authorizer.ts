import type { Access, Resource, Rule } from './rules.ts';

/** What can be asked for. */
export type Wanted = 'read' | 'list' | 'write';

/** Says what the holder of a token may do. It never changes: a token whose rights change gets another one. */
export interface Authorizer {
  /** `name` is that of the node, service, key, …; of what there is one, it is left out. */
  allows(resource: Resource, wanted: Wanted, name?: string): boolean;
  /** The same for every name that begins with `prefix`, also those that nobody has used yet. */
  allowsBelow(resource: Resource, wanted: Wanted, prefix: string): boolean;
  /** True for the one that allows everything because access is not controlled: readers need not filter. */
  readonly isUnrestricted: boolean;
}

/** While access is not controlled: the same object for all, and nothing to compute. */
export const ALLOW_ALL: Authorizer = {
  allows: () => true,
  allowsBelow: () => true,
  isUnrestricted: true,
};

/** For whom nobody knows. */
export const DENY_ALL: Authorizer = {
  allows: () => false,
  allowsBelow: () => false,
  isUnrestricted: false,
};

/** Which of two rules about the same thing counts, from the weakest: a denial cannot be overruled. */
const STRENGTH: readonly Access[] = ['read', 'list', 'write', 'deny'];

/** Everything that holds for one kind of resource. */
class Segments {
  readonly #exact = new Map<string, Access>();
  readonly #prefixes = new Map<string, Access>();
  /** Lengths of the prefixes, the longest first. */
  #lengths: readonly number[] = [];

  constructor(rules: readonly Rule[]) {
    for (const { segment, isPrefix, access } of rules) {
      const known = isPrefix ? this.#prefixes : this.#exact;
      const before = known.get(segment);
      if (before === undefined || STRENGTH.indexOf(access) > STRENGTH.indexOf(before))
        known.set(segment, access);
    }
    const lengths = new Set([...this.#prefixes.keys()].map(({ length }) => length));
    this.#lengths = [...lengths].sort((a, b) => b - a);
  }

  /** The rule for exactly this name, or else that of the longest prefix; undefined when there is none. */
  accessTo(name: string): Access | undefined {
    return this.#exact.get(name) ?? this.accessBelow(name);
  }

  /** The rule of the longest prefix of `name`. */
  accessBelow(name: string): Access | undefined {
    for (const length of this.#lengths) {
      if (length > name.length) continue;
      const access = this.#prefixes.get(name.slice(0, length));
      if (access !== undefined) return access;
    }
    return undefined;
  }

  /** True when some rule about a name that begins with `prefix` does not grant it. */
  hasExceptionBelow(prefix: string, wanted: Wanted): boolean {
    for (const rules of [this.#exact, this.#prefixes])
      for (const [segment, access] of rules)
        if (!grants(access, wanted) && segment.startsWith(prefix)) return true;
    return false;
  }
}

const NONE = new Segments([]);

/** Compiles the rules of all policies of a token. What no rule is about is as `defaultPolicy` says. */
export function compile(rules: readonly Rule[], defaultPolicy: 'allow' | 'deny'): Authorizer {
  const byResource = new Map<Resource, Rule[]>();
  for (const rule of rules) {
    const known = byResource.get(rule.resource);
    if (known === undefined) byResource.set(rule.resource, [rule]);
    else known.push(rule);
  }
  const segments = new Map([...byResource].map(([resource, own]) => [resource, new Segments(own)]));
  const otherwise = defaultPolicy === 'allow';
  return {
    isUnrestricted: false,
    allows(resource, wanted, name = '') {
      const access = (segments.get(resource) ?? NONE).accessTo(name);
      // Who may do everything by default may still not manage the tokens of others (Consul's rule).
      if (access === undefined) return otherwise && resource !== 'acl';
      return grants(access, wanted);
    },
    allowsBelow(resource, wanted, prefix) {
      const own = segments.get(resource) ?? NONE;
      if (own.hasExceptionBelow(prefix, wanted)) return false;
      const access = own.accessBelow(prefix);
      return access === undefined ? otherwise && resource !== 'acl' : grants(access, wanted);
    },
  };
}

function grants(access: Access, wanted: Wanted): boolean {
  if (access === 'write') return true;
  if (access === 'deny' || wanted === 'write') return false;
  return access === 'list' || wanted === 'read';
}
