import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: '/ui/',
  // JSX without a plugin: the compiler inside Vite knows Preact's automatic runtime by its name.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('../dist/ui'),
    emptyOutDir: true,
    target: 'es2022',
    // One script and one style sheet: the whole page is smaller than a second round trip is worth.
    modulePreload: false,
    reportCompressedSize: true,
  },
  server: { proxy: { '/v1': process.env.MUSTER_API ?? 'http://127.0.0.1:8500' } },
});
