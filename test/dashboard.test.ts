import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import { locate, SYSTEM_PACKAGES } from '../scripts/support/system-packages.mjs';
import { ask } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import { type ConfigFile, type Muster, stack, startMuster, temporaryFolder } from './support/muster.ts';

/** Requests per second; the dashboard has to show a figure in the thirties or forties. */
const RATE = 40;
const SHOWN_RATE = /\b[34]\d(\.\d)?\s*(req\/s|requests\/s|\/s)/;

const home = temporaryFolder();
let muster: Muster;
let browser: Browser;
let load: Load;

/** A page that remembers what it should not have done. */
interface Watched {
  page: Page;
  /** Errors of the console and of the page, and requests that went anywhere but to the agent. */
  faults: string[];
}

async function open(path: string, colorScheme: 'light' | 'dark' = 'light', width = 1280): Promise<Watched> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`page: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(muster.api) && !url.startsWith('data:') && !url.startsWith('blob:'))
      faults.push(`to ${url}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`${muster.api}${path}`);
  return { page, faults };
}

function screenshot(page: Page, name: string) {
  return page.screenshot({ path: join(ARTIFACTS, `dashboard-${name}.png`), fullPage: true });
}

/** What a person can read on the page. */
async function visibleText(page: Page): Promise<string> {
  return String(await page.evaluate('document.body.innerText'));
}

/** Waits until the text of the page matches. */
async function expectText(page: Page, pattern: RegExp): Promise<void> {
  await until(`the page to show ${pattern}`, async () => pattern.test(await visibleText(page)), {
    every: 100,
  });
}

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  const [hello] = stack('hello').group as ConfigFile[];
  muster = await startMuster(
    'up',
    { ...stack('hello'), node: { dev: true }, group: [{ ...hello, replicas: 3 }] },
    home.folder,
  );
  const passing = async () => (await ask(`${muster.api}/v1/health/service/hello-server?passing`)).text;
  await until('three replicas', async () => JSON.parse(await passing()).length === 3, { ms: 40_000 });
  const url = `${muster.proxy}/hello/api/v1`;
  load = Load.begin(url, RATE);
  // Enough for the figures of a second to be those of the load.
  await until('some load', () => load.samples.length > 4 * RATE);
  const executablePath = SYSTEM_PACKAGES.test.map(locate)[0];
  if (executablePath === undefined) throw new Error('no Chromium: `node scripts/setup.mjs test` installs it');
  // The sandbox of Chromium needs namespaces that containers often forbid; it opens nothing but our own page.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
});

afterAll(async () => {
  await browser?.close();
  await load?.end();
  await muster?.program.stop();
  home.remove();
});

describe('the dashboard in Chromium', () => {
  it('shows the services with live requests per second', async () => {
    const { page, faults } = await open('/ui/');
    await expectText(page, /hello-server/);
    // Live: the figure is there without a reload, and it is that of the load.
    await expectText(page, SHOWN_RATE);
    await screenshot(page, 'overview');
    expect(faults).toEqual([]);
  });

  it('shows the instances of a service and their checks', async () => {
    const { page, faults } = await open('/ui/');
    await expectText(page, /hello-server/);
    await page.getByRole('link', { name: 'hello-server' }).first().click();
    await expectText(page, /passing/i);
    const registered = await until('three instances on the page', async () => {
      const text = await visibleText(page);
      const ports = new Set(text.match(/127\.0\.0\.1:\d+/g) ?? []);
      return ports.size >= 3 && ports;
    });
    expect(registered.size).toBeGreaterThanOrEqual(3);
    await screenshot(page, 'service');
    expect(faults).toEqual([]);
  });

  it('shows the routes', async () => {
    const { page, faults } = await open('/ui/routes');
    await expectText(page, /\/hello\/api\/v1/);
    await expectText(page, /hello-server/);
    await screenshot(page, 'routes');
    expect(faults).toEqual([]);
  });

  it('drains an instance and brings it back, while the others answer', async () => {
    const { page, faults } = await open('/ui/services/hello-server');
    await page.getByRole('button', { name: 'Drain' }).first().click();
    await expectText(page, /Sends hello-\S+ no new requests; those in flight finish/);
    await page.getByRole('button', { name: 'Drain' }).first().click();
    await expectText(page, /maintenance[\s\S]*drained in the dashboard/i);
    await screenshot(page, 'drained');
    await page.getByRole('button', { name: 'Back to work' }).click();
    await until('three passing', async () => !/maintenance/i.test(await visibleText(page)));
    expect(faults).toEqual([]);
  });

  it('shows a group, and scales it', async () => {
    const { page, faults } = await open('/ui/groups');
    await expectText(page, /3 of 3 ready/);
    await page.getByRole('button', { name: 'One more' }).click();
    await expectText(page, /4 of 4 ready/);
    await screenshot(page, 'groups');
    await page.getByRole('button', { name: 'One less' }).click();
    await expectText(page, /3 of 3 ready/);
    expect(faults).toEqual([]);
  });

  it('makes, changes and deletes a key, and never overwrites what it has not seen', async () => {
    // That there is no such key yet is answered 404: no fault here.
    const { page } = await open('/ui/keys');
    await expectText(page, /No keys yet/);
    await page.getByLabel('Name of a new key').fill('conf/color');
    await page.getByRole('button', { name: 'New' }).click();
    await page.getByLabel('Value').fill('green');
    await page.getByRole('button', { name: 'Save' }).click();
    await expectText(page, /Saved\./);
    expect((await ask(`${muster.api}/v1/kv/conf/color?raw`)).text).toBe('green');
    await page.getByLabel('Value').fill('blue');
    await ask(`${muster.api}/v1/kv/conf/color`, { method: 'PUT', body: 'red' });
    await expectText(page, /It is now \(version \d+\):\s*red/);
    await screenshot(page, 'keys');
    await page.getByRole('button', { name: 'Save mine over it' }).click();
    await expectText(page, /Saved\./);
    expect((await ask(`${muster.api}/v1/kv/conf/color?raw`)).text).toBe('blue');
    await page.getByRole('button', { name: 'Delete' }).click();
    await expectText(page, /Deletes conf\/color/);
    await page.getByRole('button', { name: 'Delete' }).click();
    await until('it to be gone', async () => (await ask(`${muster.api}/v1/kv/conf/color`)).status === 404);
  });

  it('teaches how to balance TCP where none is', async () => {
    const { page, faults } = await open('/ui/connections');
    await expectText(page, /No TCP or UDP service is balanced here[\s\S]*\[\[balancer\.service\]\]/);
    expect(faults).toEqual([]);
  });

  it('says whether the truth is safe, and who is there', async () => {
    const { page, faults } = await open('/ui/cluster');
    await expectText(page, /One server keeps the truth/);
    await expectText(page, /server, leader/);
    await screenshot(page, 'cluster');
    expect(faults).toEqual([]);
  });

  it('shows what changed, and the catalog as it was then', async () => {
    const { page, faults } = await open('/ui/history?service=hello-server');
    await expectText(page, /hello-server an instance joined/);
    await page
      .getByRole('button', { name: /^\d\d:\d\d/ })
      .last()
      .click();
    await expectText(page, /Back to now/);
    await screenshot(page, 'history');
    expect(faults).toEqual([]);
  });

  it('shows a change without a reload', async () => {
    const { page, faults } = await open('/ui/');
    await expectText(page, /hello-server/);
    await ask(`${muster.api}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({ ID: 'newcomer-1', Name: 'newcomer', Address: '127.0.0.1', Port: 9 }),
    });
    await expectText(page, /newcomer/);
    await ask(`${muster.api}/v1/agent/service/deregister/newcomer-1`, { method: 'PUT' });
    expect(faults).toEqual([]);
  });

  it('looks right in the dark and on a phone', async () => {
    for (const [scheme, width, name] of [
      ['dark', 1280, 'dark'],
      ['light', 390, 'phone'],
    ] as const) {
      const { page, faults } = await open('/ui/', scheme, width);
      await expectText(page, /hello-server/);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      expect(overflow, `${name}: scrolls sideways`).toBeLessThanOrEqual(0);
      await screenshot(page, name);
      expect(faults).toEqual([]);
    }
  });

  it('cost the traffic nothing', () => {
    expect(failures(load.samples)).toEqual([]);
  });
});
