import { mkdirSync, readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACTS, inRoot } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import {
  expectNoBarrier,
  expectText,
  openPage,
  screenshot,
  startBrowser,
  visibleText,
  type Watched,
} from './support/browser.ts';
import { ask, put } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import { type ConfigFile, type Muster, stack, startMuster, temporaryFolder } from './support/muster.ts';

/** Requests per second, of 200 kB each; the dashboard has to show a figure near it. */
const RATE = 20;
const SHOWN_RATE = /\b(1[5-9]|2[0-5])(\.\d)?\s*(req\/s|requests\/s|\/s)/;

const home = temporaryFolder();
let muster: Muster;
let browser: Browser;
let load: Load;

function open(path: string): Promise<Watched> {
  return openPage(browser, muster.api, path);
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
  await until('three replicas', async () => JSON.parse(await passing()).length === 3);
  const url = `${muster.proxy}/hello/api/v1`;
  load = Load.begin(url, RATE);
  // Enough for the figures of a second to be those of the load.
  await until('some load', () => load.samples.length > 4 * RATE);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await load?.end();
  await muster?.program.stop();
  home.remove();
});

// Pages that stay open go on drawing.
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
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

  it('runs the client of the package too', async () => {
    const { page, faults } = await open('/ui/');
    const source = readFileSync(inRoot('dist', 'client.js'), 'utf8');
    await page.route('**/ui/client.js', (route) =>
      route.fulfill({ body: source, contentType: 'text/javascript' }),
    );
    const [put, text, names] = (await page.evaluate(`(async () => {
      const { Client } = await import('/ui/client.js');
      const client = new Client({ address: location.origin, basicAuth: 'ann:pw' });
      const put = await client.kv.put('from/browser', 'grün');
      const text = await client.kv.text('from/browser');
      await client.kv.delete('from/browser');
      return [put, text, Object.keys(await client.catalog.services())];
    })()`)) as [boolean, string, string[]];
    expect([put, text]).toEqual([true, 'grün']);
    expect(names).toContain('hello-server');
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

  // As somebody new would: from the picture to the reason, and on to what can be done about it.
  it('leads in three clicks to the reason why an instance gets no traffic; one more drains another and shows it go', async () => {
    const entries = JSON.parse((await ask(`${muster.api}/v1/health/service/hello-server`)).text) as {
      Service: { ID: string };
    }[];
    const [sick, healthy] = entries.map(({ Service }) => Service.ID) as [string, string];
    const maintenance = (id: string, query: string) =>
      ask(`${muster.api}/v1/agent/service/maintenance/${id}?${query}`, { method: 'PUT' });
    await maintenance(sick, 'enable=true&reason=its+disk+is+full');
    const { page, faults } = await open('/ui/');
    await page.evaluate('clicks = 0; addEventListener("click", () => clicks++, true)');
    // One: the instances that are out. Two: their service. What is out stands first, with its reason.
    await page.getByRole('link', { name: /1 maintenance/ }).click();
    await page.getByRole('main').getByRole('link', { name: 'hello-server', exact: true }).click();
    await expectText(page, /its disk is full/);
    expect(await page.evaluate('clicks')).toBeLessThanOrEqual(3);
    const row = page.getByRole('row').filter({ hasText: healthy });
    const share = row.locator('[data-label="Share of traffic"]');
    await share.getByText(/\b[1-9]\d* %/).waitFor();
    // One more, and its answer to what it asks.
    await row.getByRole('button', { name: 'Drain' }).click();
    await row.getByRole('button', { name: 'Drain' }).click();
    await row
      .getByText(/^maintenance/i)
      .first()
      .waitFor();
    // All of it, and not what only ends so, as 50 %.
    await share.getByText(/^0 %/).waitFor();
    expect(await page.evaluate('clicks')).toBe(4);
    await screenshot(page, 'three-clicks');
    for (const id of [sick, healthy]) await maintenance(id, 'enable=false');
    await expectText(page, /all 3 passing/);
    expect(faults).toEqual([]);
  });

  it('tells every call of the API, and tries it', async () => {
    const { page, faults } = await open('/ui/api');
    await page.getByLabel('Find by path or what it does').fill('health service');
    await page.getByRole('button', { name: /GET \/v1\/health\/service\/\{service\}/ }).click();
    await expectText(page, /Fill in \{service\} first/);
    await page.getByLabel('{service}').fill('hello-server');
    await page.getByRole('button', { name: 'Try it' }).click();
    await expectText(page, /200 OK[\s\S]*X-Consul-Index \d+[\s\S]*"Service": "hello-server"/);
    // What changes something asks first.
    await page.goto(`${muster.api}/ui/api?call=PUT+%2Fv1%2Fkv%2F%7Bkey%7D`);
    await page.getByLabel('{key}').fill('tried/here');
    await page.getByLabel('Body').fill('yes');
    await page.getByRole('button', { name: 'Send it' }).click();
    await expectText(page, /Sends PUT \/v1\/kv\/tried\/here to/);
    await page.getByRole('button', { name: 'Send it' }).click();
    await expectText(page, /200 OK[\s\S]*true/);
    expect((await ask(`${muster.api}/v1/kv/tried/here?raw`)).text).toBe('yes');
    await screenshot(page, 'api');
    await ask(`${muster.api}/v1/kv/tried/here`, { method: 'DELETE' });
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
    // What it was before is a click away.
    const green = page.getByRole('listitem').filter({ hasText: 'green' });
    await green.getByRole('button', { name: 'Take this' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expectText(page, /Saved\./);
    expect((await ask(`${muster.api}/v1/kv/conf/color?raw`)).text).toBe('green');
    await screenshot(page, 'key-history');
    await page.getByRole('button', { name: 'Delete' }).click();
    await expectText(page, /Deletes conf\/color/);
    await page.getByRole('button', { name: 'Delete' }).click();
    await until('it to be gone', async () => (await ask(`${muster.api}/v1/kv/conf/color`)).status === 404);
  });

  it('deletes a key only as it is shown, and shows what was saved until the agent tells it', async () => {
    const { page, faults } = await open('/ui/');
    const key = `${muster.api}/v1/kv/conf/slow`;
    let isTold = true;
    let underWay = 0;
    await page.route('**/v1/kv/conf/slow', async (route) => {
      if (!isTold) await until('it to be told', () => isTold);
      underWay++;
      // It may have been given up meanwhile.
      await route
        .fetch()
        .then((response) => route.fulfill({ response }))
        .catch(() => {});
      underWay--;
    });
    /** From here on the page hears nothing new about the key, until it is told again. */
    const tellNothing = async () => {
      isTold = false;
      await until('answers under way to be there', () => underWay === 0);
    };
    await ask(key, { method: 'PUT', body: 'one' });
    await page.goto(`${muster.api}/ui/keys?key=conf%2Fslow`);
    const value = page.getByLabel('Value');
    const remove = page.getByRole('button', { name: 'Delete' });
    const shows = (text: string) => until(`"${text}"`, async () => (await value.inputValue()) === text);
    await shows('one');
    await tellNothing();
    await ask(key, { method: 'PUT', body: 'two' });
    await remove.click();
    await remove.click();
    await expectText(page, /Changed meanwhile: nothing was done/);
    isTold = true;
    await shows('two');

    await tellNothing();
    await value.fill('three');
    await page.getByRole('button', { name: 'Save' }).click();
    await expectText(page, /Saved\./);
    expect(await value.inputValue()).toBe('three');
    expect(await value.isEditable()).toBe(false);
    expect(await remove.count()).toBe(0);
    isTold = true;
    await remove.waitFor();
    // What is typed now is a change of what was saved, not one beside it.
    await value.fill('four');
    await page.getByRole('button', { name: 'Save' }).click();
    await expectText(page, /Saved\./);
    expect((await ask(`${key}?raw`)).text).toBe('four');
    await remove.click();
    await remove.click();
    await until('it to be gone', async () => (await ask(key)).status === 404);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    // That it is gone is answered 404.
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
  });

  it('teaches how to balance TCP where none is', async () => {
    const { page, faults } = await open('/ui/connections');
    await expectText(page, /No TCP or UDP service is balanced here[\s\S]*\[\[balancer\.service\]\]/);
    expect(faults).toEqual([]);
  });

  it('says whether the truth is safe, and who is there', async () => {
    const { page, faults } = await open('/ui/cluster');
    await expectText(page, /One server keeps the truth/);
    await expectText(page, /The newest revision is [\d,]+\. This agent has it\./);
    await expectText(page, /server, leader/);
    // It follows: what is written elsewhere is there without a question.
    const revision = async () =>
      Number(/revision is ([\d,]+)/.exec(await visibleText(page))?.[1]?.replaceAll(',', ''));
    const before = await revision();
    await ask(`${muster.api}/v1/kv/one/more`, { method: 'PUT', body: 'x' });
    await until('the next revision', async () => (await revision()) > before);
    await ask(`${muster.api}/v1/kv/one/more`, { method: 'DELETE' });
    await screenshot(page, 'cluster');
    expect(faults).toEqual([]);
  });

  /** Screens, and what they show once they were told what they ask for at first. */
  const QUIET: [screen: string, shows: RegExp][] = [
    ['keys', /No keys yet/],
    ['sessions', /No sessions/],
    ['events', /None has come since this agent started/],
    ['connections', /No TCP or UDP service/],
    ['access', /Access control is off/],
    ['dns', /For instance/],
    ['cluster', /server, leader/],
    ['api', /[1-9]\d* calls of this agent/],
  ];

  it.each(QUIET)(
    'asks for nothing on /ui/%s that has not changed, however much else does',
    async (screen, shows) => {
      const { page } = await open('/ui/nothing/here');
      const network = await page.context().newCDPSession(page);
      await network.send('Network.enable');
      let stream = '';
      let pieces = 0;
      let asked: string[] = [];
      network.on('Network.requestWillBeSent', ({ requestId, request }) => {
        if (request.url.endsWith('/v1/muster/stream')) stream = requestId;
        else asked.push(request.url);
      });
      network.on('Network.dataReceived', ({ requestId }) => {
        if (requestId === stream) pieces++;
      });
      await page.goto(`${muster.api}/ui/${screen}`);
      await expectText(page, shows);
      // What changed before it came was told by then.
      await until('the stream', () => pieces > 2);
      asked = [];
      const before = pieces;
      // The figures of the traffic, once a second.
      await until('more of the stream', () => pieces > before + 3);
      expect(asked).toEqual([]);
    },
  );

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

  it('shows who holds which lock, and ends it', async () => {
    const { text } = await put(`${muster.api}/v1/session/create`, {
      Name: 'nightly',
      TTL: '60s',
      LockDelay: '0s',
    });
    const { ID } = JSON.parse(text) as { ID: string };
    await ask(`${muster.api}/v1/kv/jobs/nightly?acquire=${ID}`, { method: 'PUT', body: 'me' });
    const { page, faults } = await open('/ui/sessions');
    await expectText(
      page,
      /1 session holds 1 lock[\s\S]*nightly[\s\S]*jobs\/nightly[\s\S]*renewed within 1m/,
    );
    await screenshot(page, 'sessions');
    await page.getByRole('button', { name: 'End' }).click();
    await expectText(page, /Ends the session of nightly: 1 key given back/);
    await page.getByRole('button', { name: 'End' }).click();
    await expectText(page, /No sessions/);
    await ask(`${muster.api}/v1/kv/jobs/nightly`, { method: 'DELETE' });
    expect(faults).toEqual([]);
  });

  it("looks names up in this agent's DNS", async () => {
    const { page, faults } = await open('/ui/dns');
    await page.getByLabel('Name to look up').fill('hello-server.service.consul');
    await page.getByLabel('Type of record').selectOption('SRV');
    await page.getByRole('button', { name: 'Look up' }).click();
    await expectText(
      page,
      /NOERROR: there is such a name[\s\S]*hello-server\.service\.consul\.\s+SRV\s+1 1 \d+ /,
    );
    await screenshot(page, 'dns');
    await page.getByLabel('Name to look up').fill('nobody.service.consul');
    await page.keyboard.press('Enter');
    await expectText(page, /NXDOMAIN: there is no such name/);
    expect(faults).toEqual([]);
  });

  it('shows how long answers took, and what a check said before', async () => {
    const { page, faults } = await open('/ui/services/hello-server');
    const map = page.getByRole('img', { name: /^Answer times over five minutes: [\d,]+ answers/ });
    await map.waitFor();
    await page.getByText('Checks over time').first().click();
    await page.locator('.checks[open] h3').first().waitFor();
    await screenshot(page, 'checks');
    expect(faults).toEqual([]);
  });

  it('says that access is not controlled, and how to change that', async () => {
    const { page, faults } = await open('/ui/access');
    await expectText(page, /Access control is off[\s\S]*\[acl\]/);
    expect(faults).toEqual([]);
  });

  const PAGES: [path: string, shows: RegExp][] = [
    ['/ui/', /hello-server[\s\S]*Last five minutes/],
    ['/ui/services', /hello-server/],
    ['/ui/services/hello-server', /passing/],
    ['/ui/services/nobody', /No instance of nobody/],
    ['/ui/routes?url=/hello/api/v1', /gets/],
    ['/ui/connections', /No TCP or UDP service/],
    ['/ui/groups', /3 of 3 ready/],
    ['/ui/keys', /No keys yet/],
    ['/ui/sessions', /No sessions/],
    ['/ui/dns?name=hello-server.service.consul&type=SRV', /NOERROR/],
    ['/ui/access', /Access control is off/],
    ['/ui/cluster', /server, leader/],
    ['/ui/history?service=hello-server', /an instance joined/],
    ['/ui/events', /None has come since this agent started/],
    ['/ui/api?q=kv&call=GET+%2Fv1%2Fkv%2F%7Bkey%7D', /Fill in/],
    ['/ui/nothing/here', /\/ui\/nothing\/here/],
  ];

  it.each(PAGES)('%s has no barrier in the light, in the dark and on a phone', async (path, shows) => {
    const { page } = await open(path);
    await expectText(page, shows);
    await expectNoBarrier(page, path.split('?')[0]?.slice(4).replaceAll('/', '-') ?? '');
  });

  it('can be used by the keyboard alone', async () => {
    const { page, faults } = await open('/ui/');
    await expectText(page, /hello-server/);
    const focused = () => page.evaluate('document.activeElement.textContent.trim()');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    // A browser goes to a part of the page with the next frame.
    await until(
      'the content to have the focus',
      async () => (await page.evaluate('document.activeElement.id')) === 'main',
    );
    await page.getByRole('link', { name: 'Services', exact: true }).focus();
    await page.keyboard.press('Enter');
    await expectText(page, /Last change/);
    // As after a page load: the next stop is in the content.
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.querySelector("main").contains(document.activeElement)')).toBe(true);
    await page.goto(`${muster.api}/ui/services/hello-server`);
    await page.getByRole('button', { name: 'Drain' }).first().focus();
    await page.keyboard.press('Enter');
    // The question takes the focus: a second Enter is an answer, Tab and Enter another.
    await expectText(page, /no new requests/);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Leave it');
    await page.keyboard.press('Enter');
    await until('no question', async () => !/no new requests/.test(await visibleText(page)));
    expect(faults).toEqual([]);
  });

  it('is drawn in a window that gets no frames, as one behind others may not', async () => {
    const { page, faults } = await open('/ui/nothing/here');
    await page.addInitScript('requestAnimationFrame = () => 0');
    await page.goto(`${muster.api}/ui/`);
    await expectText(page, SHOWN_RATE);
    expect(faults).toEqual([]);
  });

  it('refuses writes that a page of another site has a browser send', async () => {
    const body = JSON.stringify({ Name: 'forged' });
    const forged = await ask(`${muster.api}/v1/query`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'text/plain', 'Sec-Fetch-Site': 'cross-site' },
    });
    expect(forged.status).toBe(403);
  });

  it('cost the traffic nothing', () => {
    expect(failures(load.samples)).toEqual([]);
  });
});
