// @ts-check
// A large route table: memory, time of a look-up, time until a change is applied, in the code that the balancer runs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { inRoot } from '../scripts/support/paths.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** @param {string[]} argv */
export async function routesBench(argv) {
  const chosen = options(argv, { routes: '50000' });
  const routes = numberOption(chosen, 'routes');
  const folder = mkdtempSync(join(tmpdir(), 'muster-routes-'));
  try {
    const outfile = join(folder, 'route-table.mjs');
    await build({
      entryPoints: [inRoot('test', 'programs', 'route-table.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    });
    const output = execFileSync(process.execPath, ['--expose-gc', outfile, String(routes)], {
      encoding: 'utf8',
    });
    const figures = JSON.parse(output);
    const facts = { ...conditions(), routes: String(routes) };
    printConditions(facts);
    const rows = [
      [
        'memory of the process',
        `${figures.memory.toFixed(0)} MB, of it ${figures.heap.toFixed(0)} MB in use`,
      ],
      ['look-up, processor time', `${figures.lookup.toFixed(2)} µs`],
      ['change applied, median', `${figures.change.toFixed(2)} ms`],
      ['change applied, worst of 200', `${figures.worst.toFixed(2)} ms`],
    ];
    process.stdout.write(`${table(['', `${routes} routes`], rows)}\n`);
    keep('routes', { conditions: facts, figures });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return 0;
}
