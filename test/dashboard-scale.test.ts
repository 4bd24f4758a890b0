import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { barriers, expectText, openPage, startBrowser, visibleText } from './support/browser.ts';
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
  // Rows that come into the window are as high as they are, not as they were believed to be: the end moves meanwhile.
  const atTheEnd = async () => {
    await page.evaluate('scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" })');
    return /i-999\b/.test(await visibleText(page));
  };
  await until('the last row', atTheEnd, { every: 100 });
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

it('keeps the focus where the keyboard put it, however often the page is drawn again', async () => {
  const { page } = await openPage(browser, muster.api, '/ui/sessions');
  await put(`${muster.api}/v1/session/create`, { Name: 'nightly', TTL: '60s' });
  await page.getByRole('button', { name: 'End' }).focus();
  await page.keyboard.press('Enter');
  await expectText(page, /Ends the session of nightly/);
  await page.keyboard.press('Tab');
  const focused = () => page.evaluate('document.activeElement.textContent.trim()');
  expect(await focused()).toBe('Leave it');
  // Another one: the list is drawn anew.
  await put(`${muster.api}/v1/session/create`, { Name: 'other', TTL: '60s' });
  await expectText(page, /2 sessions/);
  expect(await focused()).toBe('Leave it');
  await page.keyboard.press('Escape');
  await until('the question to be gone', async () => !/Ends the session/.test(await visibleText(page)));
  expect(await focused()).toBe('End');
});

it('says that the agent is silent, that it is back, and that it is gone; and loses nothing of what was shown', async () => {
  const { page } = await openPage(browser, muster.api, '/ui/keys?key=conf%2Fcolor');
  await ask(`${muster.api}/v1/kv/conf/color`, { method: 'PUT', body: 'green' });
  const value = () => page.getByLabel('Value').inputValue();
  await until('the value', async () => (await value()) === 'green');
  process.kill(muster.program.pid, 'SIGSTOP');
  await expectText(page, /No connection to the agent\. What you see is the last that is known/);
  process.kill(muster.program.pid, 'SIGCONT');
  await until('it to be back', async () => !/No connection/.test(await visibleText(page)));
  await ask(`${muster.api}/v1/kv/conf/color`, { method: 'PUT', body: 'red' });
  await until('the new value', async () => (await value()) === 'red');
  await muster.program.stop();
  await expectText(page, /No connection to the agent/);
  expect(await value()).toBe('red');
  expect(await visibleText(page)).not.toMatch(/not there yet|No keys yet/);
  expect(await barriers(page)).toEqual([]);
});
