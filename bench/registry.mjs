// @ts-check
// Speed and size of the registry: each part on its own, then what was to be reached beside what was.
import { UsageFailure } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { table } from './figures.mjs';
import { keep, options } from './options.mjs';
import { checks } from './registry/checks.mjs';
import { names } from './registry/names.mjs';
import { readers } from './registry/readers.mjs';
import { requests } from './registry/requests.mjs';
import { size } from './registry/size.mjs';

/** @type {Record<string, (chosen: Record<string, string>) => Promise<import('./registry/places.mjs').Part>>} */
const PARTS = { requests, names, readers, size, checks };

/** @param {string[]} argv */
export async function registryBench(argv) {
  const chosen = options(argv, {
    only: Object.keys(PARTS).join(),
    seconds: '5',
    rounds: '3',
    instances: '100',
    readers: '10000',
    subjects: 'muster,muster -dev,etcd,node:http,consul -dev',
    nodes: '10000',
    services: '172000',
    checks: '10000',
    interval: '10',
    minutes: '5',
  });
  const wanted = (chosen.only ?? '').split(',');
  const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new UsageFailure(`--only takes ${Object.keys(PARTS).join(', ')}, not ${unknown}`);
  const facts = conditions();
  printConditions(facts);
  /** @type {Record<string, unknown>} */
  const figures = {};
  /** @type {import('./registry/places.mjs').Verdict[]} */
  const verdicts = [];
  let isRight = true;
  for (const [name, measure] of Object.entries(PARTS)) {
    if (!wanted.includes(name)) continue;
    const part = await measure(chosen);
    figures[name] = part.figures;
    verdicts.push(...part.verdicts);
    isRight &&= part.isRight;
  }
  const rows = verdicts.map(({ what, reach, reached, isReached, beside }) => [
    what,
    reach,
    reached,
    isReached ? 'yes' : 'NO',
    beside,
  ]);
  process.stdout.write(`${table(['what', 'reach', 'measured', 'reached', 'beside'], rows)}\n`);
  keep('registry', { conditions: facts, options: chosen, figures, verdicts });
  return isRight ? 0 : 1;
}
