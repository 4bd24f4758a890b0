/** Options of routes that the configuration gives to services: as a tag's, for who cannot or should not change the tags. */
import { nearest } from '../lib/nearest.ts';
import { readOptions, TAG_OPTIONS } from './tag-options.ts';

export interface Policy {
  /** Name of a service; `*` stands for any letters. */
  readonly service: string;
  /** As a tag has them: "rate=20/s timeout=5s". */
  readonly options: string;
}

/** Words of all policies that fit, in their order: what comes later counts more, and what a tag says most. */
export class Policies {
  readonly #policies: readonly { readonly pattern: RegExp; readonly words: readonly string[] }[];
  readonly #known = new Map<string, readonly string[]>();

  constructor(policies: readonly Policy[]) {
    this.#policies = policies.map(({ service, options }) => ({
      pattern: patternOf(service),
      words: wordsOf(options),
    }));
  }

  of(service: string): readonly string[] {
    let words = this.#known.get(service);
    if (words === undefined) {
      words = this.#policies.flatMap((policy) => (policy.pattern.test(service) ? policy.words : []));
      this.#known.set(service, words);
    }
    return words;
  }
}

/** What is wrong with a policy's options, in sentences. */
export function checkPolicy({ options }: Pick<Policy, 'options'>): string[] {
  const words = wordsOf(options);
  const names = Object.keys(TAG_OPTIONS);
  const unknown = words.flatMap((word) => {
    const [name = ''] = word.split('=');
    if (names.includes(name)) return [];
    const near = nearest(name, names);
    return [`there is no option "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`];
  });
  const known = words.filter((word) => names.includes(word.split('=', 1)[0]!));
  return [...unknown, ...readOptions(known, [], true).notes];
}

/** Of options as a text. */
export function wordsOf(options: string): string[] {
  return options.split(/\s+/).filter((word) => word !== '');
}

function patternOf(service: string): RegExp {
  const parts = service.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
