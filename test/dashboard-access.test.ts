import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ARTIFACTS } from '../scripts/support/paths.mjs';
import { barriers, expectText, openPage, screenshot, startBrowser } from './support/browser.ts';
import { ask } from './support/http.ts';
import { type Muster, startMuster, temporaryFolder } from './support/muster.ts';

const ROOT = '7c1ac4b2-0000-4000-8000-000000000001';

const home = temporaryFolder();
let muster: Muster;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  muster = await startMuster(
    'agent',
    {
      node: { dev: true },
      acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: ROOT } },
    },
    home.folder,
  );
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await muster?.program.stop();
  home.remove();
});

async function tokens(): Promise<{ AccessorID: string; SecretID: string; Description: string }[]> {
  const { text } = await ask(`${muster.api}/v1/acl/tokens`, { headers: { 'X-Consul-Token': ROOT } });
  return JSON.parse(text);
}

it('asks for a token, takes it, keeps it nowhere, and forgets it when told', async () => {
  const { page } = await openPage(browser, muster.api, '/ui/');
  await expectText(
    page,
    /This agent asks for a token[\s\S]*no access|no access[\s\S]*This agent asks for a token/,
  );
  expect(await barriers(page)).toEqual([]);
  await screenshot(page, 'refused');
  await page.getByLabel('ACL token').fill('of nobody');
  await page.getByRole('button', { name: 'Use it' }).click();
  await expectText(page, /It refused the one that was given: ACL not found/);
  await page.getByLabel('ACL token').fill(ROOT);
  await page.keyboard.press('Enter');
  await expectText(page, /Traffic now[\s\S]*No services yet/);
  expect(
    await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'),
  ).toBe('[{},{},""]');
  expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(ROOT);
  await page.getByRole('button', { name: 'Token in use' }).click();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Forget it' }).click();
  await expectText(page, /This agent asks for a token/);
  await page.reload();
  await expectText(page, /This agent asks for a token/);
});

it('makes a policy and a token with it, shows the secret once, and takes both away', async () => {
  const { page } = await openPage(browser, muster.api, '/ui/access');
  await page.getByLabel('ACL token').fill(ROOT);
  await page.keyboard.press('Enter');
  await expectText(page, /2 tokens[\s\S]*global-management/);
  await page.getByRole('link', { name: 'New policy' }).click();
  await page.getByLabel('Name of the policy').fill('readers');
  await page.getByLabel('Rules').fill('service_prefix "" { policy = "reed" }');
  await page.getByRole('button', { name: 'Save' }).click();
  await expectText(page, /Invalid service_prefix policy/);
  await page.getByLabel('Rules').fill('service_prefix "" { policy = "read" }');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'readers' }).waitFor();
  await page.getByText('New token').click();
  await page.getByLabel('What the token is for').fill('the report <img src=x onerror=alert(1)>');
  await page.getByRole('checkbox', { name: 'readers' }).check();
  await page.getByRole('button', { name: 'Make it' }).click();
  await expectText(page, /Its secret[\s\S]*3 tokens|3 tokens[\s\S]*Its secret/);
  const made = (await tokens()).find(({ Description }) => Description.startsWith('the report'));
  await expectText(page, new RegExp(String(made?.SecretID)));
  expect(await page.evaluate('document.querySelectorAll("img").length')).toBe(0);
  expect(await barriers(page)).toEqual([]);
  await screenshot(page, 'access');
  const row = page.getByRole('row').filter({ hasText: 'the report' });
  await row.getByRole('button', { name: 'Delete' }).click();
  await row.getByRole('button', { name: 'Delete' }).click();
  await expectText(page, /2 tokens/);
  await page.getByRole('link', { name: 'readers' }).click();
  // Not that of a token, which is there before the policy is.
  const policy = page.getByRole('region', { name: 'Policy readers' });
  // What was saved is shown though the agent has not told it yet.
  const rules = 'service_prefix "" { policy = "write" }';
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  await policy.getByRole('button', { name: 'Delete' }).waitFor();
  await page.route('**/v1/acl/policy/*', async (route) => {
    if (route.request().method() === 'GET') await told;
    await route.continue();
  });
  await policy.getByLabel('Rules').fill(rules);
  await policy.getByRole('button', { name: 'Save' }).click();
  await policy.getByText('Saved.').waitFor();
  expect(await policy.getByLabel('Rules').inputValue()).toBe(rules);
  const answer = page.waitForResponse('**/v1/acl/policy/*');
  tell();
  await answer;
  await page.unroute('**/v1/acl/policy/*');
  expect(await policy.getByLabel('Rules').inputValue()).toBe(rules);
  await policy.getByRole('button', { name: 'Delete' }).click();
  await expectText(page, /Deletes the policy readers/);
  await policy.getByRole('button', { name: 'Delete' }).click();
  await expectText(page, /Choose a policy/);
  expect(await tokens()).toHaveLength(2);
});

it('fires no event for a token that may only read them, and says so', async () => {
  const as = (body: object) => ({
    method: 'PUT',
    headers: { 'X-Consul-Token': ROOT },
    body: JSON.stringify(body),
  });
  const kinds = [
    'agent_prefix',
    'node_prefix',
    'service_prefix',
    'key_prefix',
    'session_prefix',
    'event_prefix',
  ];
  const rules = ['operator = "read"', ...kinds.map((kind) => `${kind} "" { policy = "read" }`)].join('\n');
  await ask(`${muster.api}/v1/acl/policy`, as({ Name: 'lookers', Rules: rules }));
  const { text } = await ask(`${muster.api}/v1/acl/token`, as({ Policies: [{ Name: 'lookers' }] }));
  const { SecretID } = JSON.parse(text) as { SecretID: string };
  await ask(`${muster.api}/v1/event/fire/deploy`, { ...as({}), body: 'now' });
  const { page } = await openPage(browser, muster.api, '/ui/events');
  await page.getByLabel('ACL token').fill(SecretID);
  await page.keyboard.press('Enter');
  await expectText(page, /1 event, newest first[\s\S]*deploy[\s\S]*now/);
  await page.getByText('Fire an event').click();
  await page.getByLabel('Name', { exact: true }).fill('deploy');
  await page.getByRole('button', { name: 'Fire' }).click();
  await page.getByRole('button', { name: 'Fire' }).click();
  await expectText(page, /Not fired: Permission denied/);
});
