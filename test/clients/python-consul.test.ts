import { expect, it } from 'vitest';
import { inRoot } from '../../scripts/support/paths.mjs';
import { runToEnd } from '../../scripts/support/processes.mjs';
import { testMuster } from '../support/muster.ts';

/** Debian's own: its packages are not seen by another Python that may be first on the path. */
const PYTHON = '/usr/bin/python3';

it("Python's client of Consul does all that it can", async () => {
  const { api } = await testMuster('agent');
  const { code, output } = await runToEnd(PYTHON, [
    inRoot('test', 'clients', 'python_consul.py'),
    new URL(api).port,
  ]);
  expect(output).toBe('done\n');
  expect(code).toBe(0);
});
