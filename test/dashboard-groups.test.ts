import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import {
  expectNoBarrier,
  expectText,
  openPage,
  startBrowser,
  visibleText,
  type Watched,
} from './support/browser.ts';
import { ask } from './support/http.ts';
import { type ConfigFile, type Muster, stack, startMuster, temporaryFolder } from './support/muster.ts';

const home = temporaryFolder();
let muster: Muster;
let browser: Browser;

const open = (path: string): Promise<Watched> => openPage(browser, muster.api, path);

async function group(): Promise<GroupView> {
  const [first] = JSON.parse((await ask(`${muster.api}/v1/muster/groups`)).text) as GroupView[];
  if (first === undefined) throw new Error('no group');
  return first;
}

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  const [hello] = stack('hello').group as ConfigFile[];
  const autoscale = { min: 2, max: 6, signal: [{ kind: 'requests_per_second', target: 100 }] };
  muster = await startMuster(
    'up',
    { ...stack('hello'), node: { dev: true }, group: [{ ...hello, replicas: 2, autoscale }] },
    home.folder,
  );
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await muster?.program.stop();
  home.remove();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

describe('events', () => {
  it('teaches what they are, fires one after a question, and shows what came without a reload', async () => {
    const { page, faults } = await open('/ui/events');
    await expectText(page, /None has come since this agent started[\s\S]*event\/fire\/deploy/);
    await page.getByText('Fire an event').click();
    await page.getByLabel('Name', { exact: true }).fill('deploy');
    await page.getByLabel('Payload').fill('<img src=x onerror=alert(1)>');
    await page.getByLabel('Nodes').fill('.');
    await page.getByRole('button', { name: 'Fire' }).click();
    await expectText(
      page,
      /Tells the agents that fit in dc1 “deploy” with 28 bytes\. It cannot be taken back/,
    );
    await page.getByRole('button', { name: 'Leave it' }).click();
    expect(JSON.parse((await ask(`${muster.api}/v1/event/list`)).text)).toEqual([]);
    await page.getByRole('button', { name: 'Fire' }).click();
    await page.getByRole('button', { name: 'Fire' }).click();
    const row = page.getByRole('row').filter({ hasText: 'deploy' });
    await row.getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(await row.innerText()).toMatch(/28 bytes[\s\S]*nodes \.[\s\S]*\d+ s ago/);
    expect(await page.evaluate('document.querySelectorAll("img").length')).toBe(0);
    // Of others too, at once; what is no text is shown as what it is.
    await fetch(`${muster.api}/v1/event/fire/blob`, { method: 'PUT', body: Uint8Array.of(0, 1, 255) });
    await expectText(page, /blob[\s\S]*AAH\/[\s\S]*3 bytes, no text: base64[\s\S]*deploy/);
    await page.getByLabel('Find by name or payload').fill('onerror');
    await expectText(page, /1 event, newest first/);
    expect(page.url()).toContain('?q=onerror');
    await page.getByLabel('Find by name or payload').fill('nothing like it');
    await expectText(page, /No event fits\. 2 are there in all/);
    expect(faults).toEqual([]);
  });

  it('says why one is not fired', async () => {
    // The refusal is an answer that the browser counts as an error.
    const { page } = await open('/ui/events');
    await page.getByText('Fire an event').click();
    await page.getByLabel('Name', { exact: true }).fill('deploy');
    await page.getByLabel('That has a tag').fill('blue');
    await page.getByRole('button', { name: 'Fire' }).click();
    await page.getByRole('button', { name: 'Fire' }).click();
    await expectText(page, /Not fired: Cannot provide tag filter without service filter/);
    await page.getByLabel('Find by name or payload').fill('deploy');
    await expectNoBarrier(page, 'events');
  });
});

describe('a group', () => {
  it('shows its size against its load, with both axes and what they count', async () => {
    await until('two points of the history', async () => (await group()).history.length >= 2);
    const { page, faults } = await open('/ui/groups');
    await expectText(page, /2 wanted[\s\S]*2 ready[\s\S]*requests\/s[\s\S]*2 to 6 may be chosen/);
    const chart = page.getByRole('img', { name: /^Instances of hello and requests per second/ });
    // Drawn, not only there: time below, instances on the left, requests on the right.
    await chart.locator('canvas').waitFor();
    expect(await chart.locator('.u-axis').count()).toBe(3);
    const size = page.getByLabel('Size of hello');
    await size.fill('3');
    await page.getByRole('button', { name: 'Set the size' }).click();
    await expectText(page, /Brings hello from 2 to 3 instances\./);
    await page.getByRole('button', { name: 'Set the size' }).click();
    await expectText(page, /3 of 3 ready/);
    await expectNoBarrier(page, 'groups');
    expect(faults).toEqual([]);
  });

  it('tries another policy by sliders, changes nothing, and says how to make it so', async () => {
    const { page, faults } = await open('/ui/groups');
    await page.getByRole('button', { name: 'What if?' }).click();
    await expectText(page, /\d instances? instead of 2[\s\S]*instance hours instead of/);
    // By the keyboard, as every slider.
    const least = page.getByLabel('Least size');
    await least.focus();
    for (const key of ['ArrowRight', 'ArrowRight']) await page.keyboard.press(key);
    await expectText(page, /4 instances was 2 instances/);
    await expectText(page, /\b4 instances instead of/);
    await page.getByLabel('Requests for one instance').focus();
    await page.keyboard.press('Home');
    await expectText(page, /10 \/s was 100 \/s/);
    // The configuration to have it; the address to show it.
    await expectText(
      page,
      /\[group\.autoscale\]\s+min = 4\s+signal = \[\s+\{ kind = "requests_per_second", target = 10 \}/,
    );
    expect(page.url()).toMatch(/try=hello.*min=4/);
    const shared = await open(new URL(page.url()).pathname + new URL(page.url()).search);
    await expectText(shared.page, /4 instances was 2 instances[\s\S]*10 \/s was 100 \/s/);
    // Nothing of it was done.
    expect((await group()).autoscale).toMatchObject({ min: 2, max: 6 });
    await page.getByRole('button', { name: 'As it is' }).click();
    await until('nothing moved', async () => !/\bwas\b/.test(await page.locator('.knobs').innerText()));
    expect(await visibleText(page)).not.toContain('muster reload');
    expect([...faults, ...shared.faults]).toEqual([]);
  });

  it('tries it on a trace, where too small a group leaves requests without room', async () => {
    const { page } = await open('/ui/groups?try=hello&max=3');
    await page.getByText('With another load').click();
    await page.getByLabel('A trace').fill('0,50\n5m,900\n10m,nothing');
    await page.getByRole('button', { name: 'Take this' }).click();
    await expectText(page, /trace:3: the load has to be a number from 0 on/);
    await page.getByLabel('A trace').fill('0,50\n5m,900\n10m,900\n15m,50\n40m,50');
    await page.getByRole('button', { name: 'Take this' }).click();
    await expectText(
      page,
      /2 to 3 instances, [\d.]+ instance hours; [\d,]+ of [\d,]+ requests \(\d+ %\) found no room/,
    );
    await expectText(page, /refused\/s/);
    await expectNoBarrier(page, 'what-if');
    await page.getByRole('button', { name: 'Back to the last hour' }).click();
    await expectText(page, /instance hours instead of/);
  });
});

it('a bar of tabs that has no room says so, shows the one that is open, and leads to the others', async () => {
  const { page } = await open('/ui/keys');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const more = page.getByRole('button', { name: 'More screens' });
  const before = page.getByRole('button', { name: 'Screens before these' });
  await expectText(page, /No keys yet/);
  expect((await more.count()) + (await before.count()), 'at 1280 px all have room').toBe(0);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.reload();
  await before.waitFor();
  await more.waitFor();
  // As high as the bar: it covers what it fades.
  for (const arrow of [before, more])
    expect((await arrow.boundingBox())?.height).toBe((await page.locator('.tabs').boundingBox())?.height);
  const tab = (name: string) => page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name });
  const box = async (name: string) => (await tab(name).boundingBox()) ?? { x: -1, width: 0 };
  const centre = ({ x, width }: { x: number; width: number }) => x + width / 2;
  // Nearer than it would be if the bar stood where it stood before.
  const inTheMiddle = async (width: number) =>
    until(
      `Keys in the middle of ${width} px`,
      async () => Math.abs(centre(await box('Keys')) - width / 2) < 7,
    );
  await inTheMiddle(390);
  // As when a phone is turned.
  await page.setViewportSize({ width: 360, height: 800 });
  await inTheMiddle(360);
  await page.setViewportSize({ width: 390, height: 800 });
  await inTheMiddle(390);
  await more.click();
  await more.waitFor({ state: 'detached' });
  const last = await box('API');
  expect(last.x + last.width).toBeLessThanOrEqual(390);
  // An arrow leads on as long as there is something to lead to.
  for (let { x } = await box('Overview'); x < 0; { x } = await box('Overview')) {
    await before.click();
    await until('the bar to move', async () => (await box('Overview')).x > x);
  }
  await tab('Overview').click();
  await expectText(page, /hello-server/);
  expect((await box('Overview')).x).toBeGreaterThanOrEqual(0);
});
