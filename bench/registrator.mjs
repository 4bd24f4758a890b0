// @ts-check
// How soon the catalog is what runs, after each round of trouble: the rounds of test/registrator-rounds.test.ts with as many
// containers as one likes, against a real Docker engine.
import { spawn } from 'node:child_process';
import { inRoot } from '../scripts/support/paths.mjs';
import { UsageFailure } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** What is promised, in ms. */
const WITHIN = 2000;
/** @type {Record<string, string>} */
const KINDS = { own: 'with a registrator of its own', agent: 'with the registrator in the agent' };

/** @param {string[]} argv */
export async function registratorBench(argv) {
  const given = options(argv, { containers: '200', kinds: 'own' });
  const containers = numberOption(given, 'containers');
  const kinds = (given.kinds ?? '').split(',').map((kind) => {
    const name = KINDS[kind];
    if (name === undefined)
      throw new UsageFailure(`no kind ${kind}; known: ${Object.keys(KINDS).join(', ')}`);
    return name;
  });
  printConditions(conditions());
  const { code, output } = await rounds(containers, kinds);
  const found = [...output.matchAll(/^(\S.*): in line after (\d+) ms, (\d+) services$/gm)].map(
    ([, round = '', ms, services]) => ({ round, ms: Number(ms), services: Number(services) }),
  );
  const text = table(
    ['round', 'in line after (ms)', 'services'],
    found.map(({ round, ms, services }) => [round, `${ms}`, `${services}`]),
  );
  const times = found.map(({ ms }) => ms);
  const worst = Math.max(...times);
  process.stdout.write(
    `\n${containers} containers\n${text}\n\nmedian ${quantile(times, 0.5)} ms, longest ${worst} ms\n`,
  );
  keep('registrator', { containers, rounds: found, code });
  if (code !== 0 || found.length === 0) process.stderr.write(`${output}\nthe rounds failed\n`);
  else if (worst > WITHIN) process.stderr.write(`longer than ${WITHIN} ms\n`);
  else return 0;
  return 1;
}

/**
 * @param {number} containers
 * @param {readonly string[]} names Of the tests
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function rounds(containers, names) {
  const args = ['run', '--project', 'e2e', '--disable-console-intercept', 'test/registrator-rounds.test.ts'];
  const program = spawn(inRoot('node_modules', '.bin', 'vitest'), [...args, '-t', names.join('|')], {
    cwd: inRoot(),
    env: { ...process.env, MUSTER_TEST_CONTAINERS: `${containers}`, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (part) => {
      output += part;
    });
  return new Promise((resolve, reject) => {
    program.on('error', reject);
    program.on('close', (code) => resolve({ code, output }));
  });
}
