import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectText, openPage, startBrowser } from './support/browser.ts';
import { ask, put } from './support/http.ts';
import { type Muster, startMuster, temporaryFolder } from './support/muster.ts';

const SERVICES = 500;
const INSTANCES = 5_000;
/** Rows of a list that may be drawn at once: the window, what lies just outside of it, and a chunk more. */
const MOST_ROWS = 200;

const home = temporaryFolder();
let muster: Muster;
let browser: Browser;

beforeAll(async () => {
  muster = await startMuster('agent', { node: { dev: true }, balancer: { enabled: false } }, home.folder);
  // In transactions: a registration each would be most of the test.
  const operations = Array.from({ length: INSTANCES }, (_, number) => ({
    Service: {
      Verb: 'set',
      Node: `node-${number % 20}`,
      // One of them is large, as in most systems.
      Service: {
        ID: `i-${number}`,
        Service: number < 1_000 ? 'large' : `service-${number % (SERVICES - 1)}`,
        Address: '10.0.0.1',
        Port: 1_000 + number,
      },
    },
  }));
  const nodes = Array.from({ length: 20 }, (_, number) => ({
    Node: { Verb: 'set', Node: { Node: `node-${number}`, Address: `10.0.0.${number + 1}` } },
  }));
  const all = [...nodes, ...operations];
  for (let at = 0; at < all.length; at += 64) await put(`${muster.api}/v1/txn`, all.slice(at, at + 64));
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await muster?.program.stop();
  home.remove();
});

it('draws only the rows near the window, wherever that is, and shows a change in the large list', async () => {
  const { page, faults } = await openPage(browser, muster.api, '/ui/services');
  await expectText(page, /500|service-0/);
  const rows = () => page.locator('tbody tr:not(.gap)').count();
  expect(await rows()).toBeLessThan(MOST_ROWS);
  await page.getByLabel('Find by name or tag').fill('service-499');
  await expectText(page, /No service fits|service-49/);
  await page.goto(`${muster.api}/ui/services/large`);
  await expectText(page, /i-0\b/);
  expect(await rows()).toBeLessThan(MOST_ROWS);
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  await expectText(page, /i-999\b/);
  expect(await rows()).toBeLessThan(MOST_ROWS);
  await page.evaluate('scrollTo(0, 0)');
  await put(`${muster.api}/v1/catalog/register`, {
    Node: 'node-0',
    Address: '10.0.0.1',
    SkipNodeUpdate: true,
    Check: { CheckID: 'c', Name: 'c', Status: 'critical', Output: 'the disk is full', ServiceID: 'i-500' },
  });
  // Worst first: it is now at the top.
  await expectText(page, /the disk is full|Output of “c”/);
  expect(faults).toEqual([]);
  expect((await ask(`${muster.api}/v1/muster/overview`)).status).toBe(200);
});
