import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { functions, thing } from './go.test-support.ts';
import { type MissingKey, Template } from './index.ts';

interface Case {
  template: string;
  missingKey?: MissingKey;
  /** Carried out with `thing`, otherwise with nothing. */
  data?: true;
  output?: string;
  error?: string;
}

// What Go's own text/template (1.19) made of these templates, written down once.
const cases = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'go.cases.json'), 'utf8')) as Case[];

it.each(cases)('$template', ({ template, missingKey, data, output, error }) => {
  const run = (): string =>
    new Template('t', template, {
      functions,
      ...(missingKey === undefined ? {} : { missingKey }),
    }).execute(data === true ? thing : undefined);
  if (error === undefined) expect(run()).toBe(output);
  else expect(run).toThrow(expect.objectContaining({ message: error }));
});
