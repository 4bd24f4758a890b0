/** Whether a JSON file is Consul's or ours: both may end in .json. */
import { isTable, toSnake } from '../names.ts';
import { configSchema } from '../schema.ts';
import { CONSUL_KEYS } from './keys.ts';
import { bare } from './rules.ts';

const OURS = new Set(Object.keys(configSchema.def.shape).map(toSnake));
const THEIRS = new Set(Object.keys(CONSUL_KEYS).map(bare));
/** Both have these, and mean nearly the same. */
const isShared = (key: string) => OURS.has(key) && THEIRS.has(bare(key));

/**
 * A key that only one of the two has decides, ours before theirs. Without one, `service` and `check` are lists in our
 * files and tables in Consul's; anything else that both could have written means the same.
 */
export function isConsul(value: unknown): value is Record<string, unknown> {
  if (!isTable(value)) return false;
  const keys = Object.keys(value);
  if (keys.some((key) => OURS.has(key) && !isShared(key))) return false;
  if (keys.some((key) => THEIRS.has(bare(key)) && !isShared(key))) return true;
  const shared = keys.filter(isShared);
  return shared.length > 0 && !['service', 'check'].some((key) => Array.isArray(value[key]));
}
