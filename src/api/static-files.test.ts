import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { type Api, startApi } from './server.ts';
import { testContext } from './test-context.ts';

const outside = mkdtempSync(path.join(tmpdir(), 'muster-ui-'));
const uiDirectory = path.join(outside, 'ui');
mkdirSync(path.join(uiDirectory, 'assets'), { recursive: true });
writeFileSync(path.join(outside, 'secret.txt'), 'secret');
writeFileSync(path.join(uiDirectory, 'index.html'), '<title>Muster</title>');
writeFileSync(path.join(uiDirectory, 'assets', 'app-1a2b.js'), 'run()');
afterAll(() => rmSync(outside, { recursive: true }));

let api: Api | undefined;
afterEach(() => api?.stop());

async function ask(target: string, headers: Record<string, string> = {}): Promise<Response> {
  const { context } = testContext();
  api ??= await startApi({ context, host: '127.0.0.1', port: 0, uiDirectory });
  return fetch(`http://127.0.0.1:${api.address.port}${target}`, { headers, redirect: 'manual' });
}
afterEach(() => {
  api = undefined;
});

it('serves files with their type, hashed ones for a year', async () => {
  const script = await ask('/ui/assets/app-1a2b.js');
  expect([await script.text(), script.headers.get('content-type')]).toEqual([
    'run()',
    'text/javascript; charset=utf-8',
  ]);
  expect(script.headers.get('cache-control')).toContain('immutable');
});

it('serves the page for every path of the application, and asks to look again', async () => {
  for (const target of ['/ui/', '/ui/services/web']) {
    const page = await ask(target);
    expect([page.status, await page.text()]).toEqual([200, '<title>Muster</title>']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
  }
});

it('says that nothing changed to who has it already', async () => {
  const tag = (await ask('/ui/')).headers.get('etag') ?? '';
  const again = await ask('/ui/', { 'If-None-Match': tag });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

it('does not say of a file that cannot be read that there is none', async () => {
  symlinkSync('round.js', path.join(uiDirectory, 'assets', 'round.js'));
  const answer = await ask('/ui/assets/round.js');
  expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('internal error')]);
  expect((await ask('/ui/assets/none.js')).status).toBe(404);
});

it.each([
  '/ui/missing.js',
  '/ui/%2e%2e%2fsecret.txt',
  '/ui/..%2fsecret.txt',
  '/ui/assets/%2e%2e/%2e%2e/secret.txt',
])('%s gives no file away', async (target) => {
  const answer = await ask(target);
  expect(answer.status).not.toBe(200);
  expect(await answer.text()).not.toContain('secret');
});

it.each(['/', '/ui'])('%s leads to the dashboard', async (target) => {
  const answer = await ask(target);
  expect([answer.status, answer.headers.get('location')]).toEqual([301, '/ui/']);
});
