/** `-upstream` and `-mirror` of `muster lb`: places with what is said of each. */
import type { StaticUpstream } from '../../discovery/static.ts';
import { parseStaticUpstream } from '../../discovery/static.ts';
import { MusterError } from '../../errors.ts';
import { checkPolicy } from '../../route/policies.ts';

/** Words that every list of places has, in the order in which a line of gobetween's has them. */
const OF_PLACES = ['weight', 'priority', 'max_connections', 'sni'];

export interface Upstream extends StaticUpstream {
  /** Options of a route for this one alone: "canary=5%". */
  readonly words: readonly string[];
}

/** "10.0.0.1:80 weight=3 zone=a canary=5%", the words in any order. Throws `usage`. */
function upstreamOf(flag: string, text: string): Upstream {
  const [address = '', ...all] = text.trim().split(/\s+/);
  const complain = (why: string) => new MusterError('usage', `-${flag} "${text}": ${why}`);
  const known = new Map<string, string>();
  const words: string[] = [];
  for (const word of all) {
    const name = word.split('=', 1)[0]!;
    if (name !== 'zone' && !OF_PLACES.includes(name)) words.push(word);
    else if (known.has(name)) throw complain(`${name}= stands there twice`);
    else known.set(name, word);
  }
  const [scheme] = /^\w+:\/\//.exec(address) ?? [];
  if (scheme !== undefined)
    throw complain(`expected host:port: leave out ${scheme}; for TLS there is -options proto=https`);
  const line = [address, ...OF_PLACES.flatMap((name) => known.get(name) ?? [])].join(' ');
  const backend = parseStaticUpstream(line);
  if (backend === undefined)
    throw complain(
      parseStaticUpstream(address) === undefined
        ? 'expected host:port such as 127.0.0.1:8080'
        : 'expected whole numbers behind weight=, priority= and max_connections=',
    );
  const [wrong] = checkPolicy({ options: words.join(' ') });
  if (wrong !== undefined) throw complain(wrong);
  const zone = known.get('zone')?.slice('zone='.length) ?? '';
  return { ...backend, ...(zone === '' ? {} : { zone }), words };
}

/** All that a flag names, given several times or with commas. Throws `usage`. */
export function upstreamsOf(flag: string, given: readonly string[] | undefined): Upstream[] {
  const texts = (given ?? []).flatMap((text) => text.split(',')).filter((text) => text.trim() !== '');
  return texts.map((text) => upstreamOf(flag, text));
}
