import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { ARTIFACTS } from '../../scripts/support/paths.mjs';
import { until } from '../../scripts/support/processes.mjs';
import { BROWSER, locate } from '../../scripts/support/system-packages.mjs';

/** A page that remembers what it should not have done. */
export interface Watched {
  page: Page;
  /** Errors of the console and of the page, and requests that went anywhere but to the agent. */
  faults: string[];
}

/** Of what hangs, ms: as long as `until` waits. */
const PATIENCE = 60_000;

/** Where Chromium is. */
export function browserPath(): string {
  const path = locate(BROWSER);
  if (path !== undefined) return path;
  throw new Error('no Chromium: `node scripts/setup.mjs test` installs it, CHROMIUM names another one');
}

/** Starts Chromium, or what starts it. The caller closes it. */
export function startBrowser(executablePath = browserPath()): Promise<Browser> {
  // The sandbox of Chromium needs namespaces that containers often forbid; it opens nothing but our own page.
  return chromium.launch({
    executablePath,
    timeout: PATIENCE,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

/** Of a request that the page itself has given up. */
const LEFT = 'net::ERR_ABORTED';
/** An interface of the machine came or went, as tests of containers and networks have them; the page asks again. */
const MOVED = 'net::ERR_NETWORK_CHANGED';

/** What is wrong with a page, for those that have the page only. */
const faultsOf = new WeakMap<Page, string[]>();

/** Opens a page of the dashboard at `api` in a browser profile of its own. */
export async function openPage(browser: Browser, api: string, path: string): Promise<Watched> {
  const context = await browser.newContext({ colorScheme: 'light', viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const faults: string[] = [];
  faultsOf.set(page, faults);
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes(MOVED))
      faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`page: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(api) && !url.startsWith('data:') && !url.startsWith('blob:'))
      faults.push(`to ${url}`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText;
    if (why !== LEFT && why !== MOVED) faults.push(`${request.url()}: ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`${api}${path}`);
  return { page, faults };
}

export function screenshot(page: Page, name: string) {
  return page.screenshot({ path: join(ARTIFACTS, `dashboard-${name}.png`), fullPage: true });
}

/** What a person can read on the page. */
export async function visibleText(page: Page): Promise<string> {
  return String(await page.evaluate('document.body.innerText'));
}

/** Waits until the text of the page matches; the error says what it shows instead. */
export async function expectText(page: Page, pattern: RegExp): Promise<void> {
  let shown = '';
  const matches = async () => {
    shown = await visibleText(page);
    return pattern.test(shown);
  };
  try {
    await until(`the page to show ${pattern}`, matches, { every: 100 });
  } catch (cause) {
    const text = JSON.stringify(shown.slice(0, 2_000));
    const faults = JSON.stringify(faultsOf.get(page) ?? []);
    throw new Error(`the page does not show ${pattern}, but ${text}; faults: ${faults}`, { cause });
  }
}

const LOOKS = { light: 1280, dark: 1280, phone: 390 } as const;

/** In the light, in the dark and on a phone: nothing that keeps somebody out, and nothing that hangs over the edge. A picture of each is kept. */
export async function expectNoBarrier(page: Page, name: string): Promise<void> {
  for (const [look, width] of Object.entries(LOOKS)) {
    await page.emulateMedia({ colorScheme: look === 'dark' ? 'dark' : 'light' });
    await page.setViewportSize({ width, height: 800 });
    expect(await barriers(page), look).toEqual([]);
    await expectNoOverhang(page, look);
    await screenshot(page, `${look}-${name}`);
  }
}

/** Nothing makes the page scroll sideways; drawings have the new width at the next frame only. */
export async function expectNoOverhang(page: Page, what: string): Promise<void> {
  const overhang = 'document.documentElement.scrollWidth - window.innerWidth';
  await until(`${what} not to scroll sideways`, async () => Number(await page.evaluate(overhang)) <= 0);
}

let axe: string | undefined;

/** What axe-core finds against the rules of WCAG 2.2 (A and AA) and good practice: one line for each, none when all is well. */
export async function barriers(page: Page): Promise<string[]> {
  axe ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Past the page's policy, which forbids scripts that are not its own. Once for a page: it is half a megabyte.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe);
  // Nor is all that is well put into words and sent here.
  const violations = (await page.evaluate(
    'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )) as AxeResults['violations'];
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}
