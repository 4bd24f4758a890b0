import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { staticFile } from './static-files.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'muster-ui-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html>');
  writeFileSync(join(directory, 'assets', 'index-abc.js'), 'page()');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('files of the dashboard', () => {
  it.each(['', 'services', 'services/web', 'services/web.js', 'dc1/services/web'])(
    'the address %j is the page',
    async (path) => {
      const reply = await staticFile(directory, path);
      expect(reply).toMatchObject({ kind: 'bytes', contentType: 'text/html; charset=utf-8' });
      expect(reply.headers?.['Content-Security-Policy']).toContain("default-src 'self'");
    },
  );

  it.each(['assets/index-old.js', 'favicon.ico', '../package.json', 'assets/../../x.js'])(
    'the missing file %j is no page',
    async (path) => expect(await staticFile(directory, path)).toMatchObject({ status: 404 }),
  );

  it('keeps what has a hash in its name, and asks for the page anew', async () => {
    const script = await staticFile(directory, 'assets/index-abc.js');
    expect(script.headers?.['Cache-Control']).toContain('immutable');
    const page = await staticFile(directory, '');
    expect(page.headers?.['Cache-Control']).toBe('no-cache');
    expect(await staticFile(directory, '', page.headers?.ETag)).toMatchObject({ status: 304 });
  });
});
