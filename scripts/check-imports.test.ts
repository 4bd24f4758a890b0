import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenImports, brokenRule, importsOf } from './check-imports.mjs';

describe('imports of a file', () => {
  it('finds every way to import, with its line', () => {
    const source = [
      "import { a } from './a.ts';",
      "import type { B } from './b.ts';",
      'import {',
      '  c,',
      '  d,',
      "} from '../c/d.ts';",
      "import './effect.ts';",
      "export * from './all.ts';",
      "export { e as f } from './e.ts';",
      "const lazy = await import('./lazy.ts');",
      "const worker = new Worker(new URL('./worker.ts', import.meta.url));",
      "type G = import('./types.ts').G;",
    ].join('\n');
    expect(importsOf(source)).toEqual([
      { line: 1, specifier: './a.ts' },
      { line: 2, specifier: './b.ts' },
      { line: 6, specifier: '../c/d.ts' },
      { line: 7, specifier: './effect.ts' },
      { line: 8, specifier: './all.ts' },
      { line: 9, specifier: './e.ts' },
      { line: 10, specifier: './lazy.ts' },
      { line: 11, specifier: './worker.ts' },
      { line: 12, specifier: './types.ts' },
    ]);
  });

  it('is not misled by comments, by globs in strings or by other exports', () => {
    const source = [
      '/**',
      " * import x from '../agent/x.ts';",
      ' */',
      "// import y from '../agent/y.ts';",
      "const glob = 'src/**/*.ts';",
      "export const from = 'somewhere';",
      "import { z } from './z.ts'; // after a glob",
    ].join('\n');
    expect(importsOf(source)).toEqual([{ line: 7, specifier: './z.ts' }]);
  });
});

describe('direction of imports', () => {
  it.each([
    ['src/store/memory.ts', '../catalog/catalog.ts'],
    ['src/store/memory.ts', './store.ts'],
    ['src/store/memory.ts', '../errors.ts'],
    ['src/proxy/http1/scanner.ts', '../../lib/clock.ts'],
    ['src/cli/verbs/up.ts', '../../client/index.ts'],
    ['src/client/index.ts', '../lib/duration.ts'],
    ['src/api/server.ts', 'zod'],
    ['src/version.ts', '../package.json'],
    ['apps/hello/main.ts', '../../src/client/index.ts'],
    ['ui/src/main.tsx', './app.tsx'],
    ['ui/src/live.ts', '../../src/api/muster/wire.ts'],
  ])('%s may import %s', (file, specifier) => {
    expect(brokenRule(file, specifier)).toBeUndefined();
  });

  it.each([
    ['src/catalog/catalog.ts', '../store/store.ts', /catalog may not import store/],
    ['src/proxy/http1/scanner.ts', '../../dns/wire.ts', /proxy may not import dns/],
    ['src/client/index.ts', '../catalog/rows.ts', /client may import only lib/],
    ['src/lib/clock.ts', '../util/x.ts', /folder util is not in the order/],
    ['src/util/x.ts', '../lib/clock.ts', /folder util is not in the order/],
    ['src/errors.ts', './lib/clock.ts', /files in src\/ itself import no folder/],
    ['src/api/ui.ts', '../../ui/src/main.tsx', /nothing from outside itself/],
    ['ui/src/live.ts', '../../src/api/server.ts', /ui\/ may import only lib and client/],
    ['apps/hello/main.ts', '../../src/catalog/rows.ts', /apps\/ may import only lib and client/],
  ])('%s may not import %s', (file, specifier, rule) => {
    expect(brokenRule(file, specifier)).toMatch(rule);
  });

  it('names file and line of a broken rule in a checkout', () => {
    const root = mkdtempSync(join(tmpdir(), 'muster-imports-'));
    try {
      mkdirSync(join(root, 'src', 'lib'), { recursive: true });
      writeFileSync(join(root, 'src', 'lib', 'a.ts'), "\nimport { b } from '../agent/b.ts';\n");
      expect(brokenImports(root)).toEqual([
        expect.stringMatching(/^src\/lib\/a\.ts:2: lib may not import agent/),
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
