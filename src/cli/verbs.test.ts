import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

let files: Metafile['inputs'];

beforeAll(async () => {
  const { metafile } = await build({
    entryPoints: ['src/cli/main.ts'],
    outdir: 'unwritten',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    metafile: true,
  });
  files = metafile.inputs;
});

/** What is loaded with a file: all that it imports, and what that imports, except by `import()`. */
function loadedWith(entry: string): string[] {
  const loaded = new Set([entry]);
  for (const file of loaded) {
    expect(files).toHaveProperty([file]);
    for (const { path, kind, external } of files[file]!.imports)
      if (kind === 'import-statement' && external !== true) loaded.add(path);
  }
  return [...loaded];
}

describe('what a short command loads', () => {
  it('is no verb, before it is known which one is asked for', () => {
    for (const file of loadedWith('src/cli/main.ts'))
      expect(file).toMatch(/^src\/(?:errors\.ts$|lib\/|cli\/(?!verbs\/))/);
  });

  it('is its verb then, not even a client where nobody is asked', () => {
    for (const file of loadedWith('src/cli/verbs/version.ts'))
      expect(file).toMatch(
        /^(?:package\.json|src\/(?:errors\.ts|version\.ts|cli\/verbs\/version\.ts|cli\/[^/]+))$/,
      );
  });

  it.each(['kv', 'members', 'catalog', 'health', 'event', 'lock', 'watch', 'maint', 'acl/tokens'])(
    'is a client and nothing of the agent for %s',
    (verb) => {
      for (const file of loadedWith(`src/cli/verbs/${verb}.ts`))
        expect(file).toMatch(/^src\/(?:errors\.ts$|lib\/|client\/|cli\/)/);
    },
  );
});
