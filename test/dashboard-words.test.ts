import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectNoOverhang, expectText, openPage, startBrowser } from './support/browser.ts';
import { put } from './support/http.ts';
import { type Muster, startMuster, temporaryFolder } from './support/muster.ts';

/** What stands on the screens of an agent on which little is, and what is there is odd. */
const home = temporaryFolder();
let muster: Muster;
let browser: Browser;

beforeAll(async () => {
  muster = await startMuster('agent', { node: { dev: true } }, home.folder);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await muster?.program.stop();
  home.remove();
});

it.each(['/ui/dns', '/ui/access'])('%s names no call that would be refused', async (path) => {
  const { page } = await openPage(browser, muster.api, path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.locator('.source').count()).toBe(0);
});

it('breaks names that are longer than a phone is wide', async () => {
  const long = 'x'.repeat(120);
  const tags = [`urlprefix-/${long}`];
  const service = { Name: long, ID: long, Port: 1, Tags: tags, Check: { TTL: '600s' } };
  await put(`${muster.api}/v1/agent/service/register`, service);
  await put(`${muster.api}/v1/kv/${long}`, long);
  const { page } = await openPage(browser, muster.api, '/ui/');
  await page.setViewportSize({ width: 320, height: 800 });
  for (const [path, shows] of [
    [`/ui/services/${long}`, /Requests for/],
    [`/ui/routes?url=/${long}`, /no instance that takes requests/],
    [`/ui/keys?key=${long}`, /What it was/],
    [`/ui/history?service=${long}`, /an instance joined/],
  ] as const) {
    await page.goto(`${muster.api}${path}`);
    await expectText(page, shows);
    await expectNoOverhang(page, path);
  }
});
