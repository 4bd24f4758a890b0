/** Options of pools: the words of tags that mean something for connections and datagrams. */
import type { RateSpec } from './handling.ts';
import { checkPolicy, wordsOf } from './policies.ts';
import { readOptions, TAG_OPTIONS } from './tag-options.ts';

export interface PoolOptions {
  /** Milliseconds; 0: at once. */
  readonly slowStart: number;
  /** Below this part of healthy instances those with failing checks are used too; 0: never. */
  readonly panic: number;
  /** Connections, or sessions, that a client may open in a time. */
  readonly rates: readonly RateSpec[];
  /** Of each instance at a time; undefined: as its source says. */
  readonly maxConnections: number | undefined;
}

const OF_POOLS: readonly (keyof typeof TAG_OPTIONS)[] = ['slowstart', 'panic', 'rate', 'maxconn'];

/** Options that a service over TCP or UDP has as settings of their own. */
const SETTINGS: { readonly [Name in keyof typeof TAG_OPTIONS]?: string } = {
  strategy: 'the strategy',
  allow: 'access rules',
  deny: 'access rules',
  connecttimeout: 'the connect timeout',
  silence: 'the idle timeout',
  pxyproto: 'the PROXY header that is sent',
  weight: 'the weights of its instances',
};

/** What is wrong with the options of a pool, in sentences. */
export function checkPoolOptions(options: string): string[] {
  const faults = checkPolicy({ options });
  for (const word of wordsOf(options)) {
    const name = word.split('=', 1)[0] as keyof typeof TAG_OPTIONS;
    if (!Object.hasOwn(TAG_OPTIONS, name) || OF_POOLS.includes(name)) continue;
    const setting = SETTINGS[name];
    faults.push(
      setting === undefined
        ? `"${word}" is for HTTP; with tcp and udp there are ${OF_POOLS.map((known) => `${known}=`).join(', ')}`
        : `"${word}" is said by a setting of its own here: ${setting}`,
    );
  }
  if (readPoolOptions(options).rates.some(({ by }) => by !== 'route' && by.kind !== 'address'))
    faults.push('rate= of connections and datagrams can only go by address, or for all together (route)');
  return faults;
}

export function readPoolOptions(options: string): PoolOptions {
  const { slowStart, panic, rates, maxConnections } = readOptions(wordsOf(options)).read;
  return { slowStart, panic, rates, maxConnections };
}
