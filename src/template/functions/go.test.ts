import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Template } from '../language/index.ts';
import { testContext } from './context.test-support.ts';
import { functionsFor } from './table.ts';

interface Case {
  template: string;
  output?: string;
  error?: string;
}

// What consul-template's helpers and sprig made of these templates, written down once.
const cases = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'go.cases.json'), 'utf8')) as Case[];

it.each(cases)('$template', ({ template, output, error }) => {
  const run = (): string =>
    new Template('t', template, { functions: functionsFor(testContext()), missingKey: 'zero' }).execute();
  if (error === undefined) expect(run()).toBe(output);
  else expect(run).toThrow(expect.objectContaining({ message: error }));
});
