/** Every function that templates have besides those of the language, in the sections of the reference. */
import type { FunctionTable } from '../language/index.ts';
import { CATALOG_FUNCTIONS } from './catalog.ts';
import type { Context, Group } from './entry.ts';
import { ENVIRONMENT_FUNCTIONS } from './environment.ts';
import { HASH_FUNCTIONS } from './hash.ts';
import { LIST_FUNCTIONS } from './lists.ts';
import { MATH_FUNCTIONS } from './math.ts';
import { PARSE_FUNCTIONS } from './parse.ts';
import { REFUSED_FUNCTIONS, refusing } from './refused.ts';
import { SCRATCH_FUNCTIONS } from './scratch.ts';
import {
  SPRIG_COLLECTIONS,
  SPRIG_NUMBERS,
  SPRIG_REFLECTION,
  SPRIG_REFUSED,
  SPRIG_TEXT,
  SPRIG_TIMES,
} from './sprig/index.ts';
import { STRING_FUNCTIONS } from './strings.ts';

export const SECTIONS = {
  'The registry': CATALOG_FUNCTIONS,
  'Lists and maps': LIST_FUNCTIONS,
  Text: STRING_FUNCTIONS,
  'Reading and writing values': PARSE_FUNCTIONS,
  Arithmetic: MATH_FUNCTIONS,
  Digests: HASH_FUNCTIONS,
  'Scratch values': SCRATCH_FUNCTIONS,
  'Files, environment, time': ENVIRONMENT_FUNCTIONS,
  'sprig: text': SPRIG_TEXT,
  'sprig: lists and maps': SPRIG_COLLECTIONS,
  'sprig: numbers': SPRIG_NUMBERS,
  'sprig: choosing, looking, converting': SPRIG_REFLECTION,
  'sprig: times, versions, URLs': SPRIG_TIMES,
} as const satisfies Record<string, Group>;

/** Known, and refused with a reason. */
export const REFUSED: Group = { ...REFUSED_FUNCTIONS, ...SPRIG_REFUSED };

/** The functions of one template. Those whose name a pattern of `denied` fits ("sprig_*") refuse to work. */
export function functionsFor(context: Context, denied: readonly string[] = []): FunctionTable {
  const patterns = denied.map(globOf);
  const entries = [...Object.values<Group>(SECTIONS), REFUSED].flatMap((group) => Object.entries(group));
  return Object.fromEntries(
    entries.map(([name, entry]) => [
      name,
      patterns.some((pattern) => pattern.test(name))
        ? refusing(name, 'function is disabled by function_denylist')
        : entry.make(context),
    ]),
  );
}

/** "*" stands for any characters, "?" for one, "[a-z]" and "[^a-z]" for one of those and of the others: for names, which have no "/". */
export function globOf(pattern: string): RegExp {
  const parts = pattern.replace(
    /\[(\^?)([^\]]+)\]|[\s\S]/g,
    (part, not: string | undefined, members: string | undefined) => {
      if (members !== undefined) {
        const isBackwards = [...members.matchAll(/(.)-(.)/gs)].some(([, from = '', to = '']) => from > to);
        return isBackwards ? '(?!)' : `[${not}${members.replace(/[\\\]^]/g, '\\$&')}]`;
      }
      if (part === '*') return '.*';
      return part === '?' ? '.' : part.replace(/[\\^$.+()[\]{}|]/, '\\$&');
    },
  );
  return new RegExp(`^${parts}$`, 's');
}
