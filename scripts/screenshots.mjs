#!/usr/bin/env node
// @ts-check
// npm run screenshots [-- NAME…]: takes the pictures of the dashboard in docs/images anew, or only those, from the hello
// stack under load.
import { chromium } from 'playwright-core';
import { setup } from './setup.mjs';
import { inRoot, MUSTER } from './support/paths.mjs';
import { freePorts, start, stopAllWithUs, until } from './support/processes.mjs';
import { Failure, run, say } from './support/say.mjs';
import { BROWSER, locate } from './support/system-packages.mjs';

/** Pictures by name: the page, what it must show before the picture is taken, in which colours; `part`: only that of the page. */
const PICTURES = /** @type {const} */ ({
  overview: { path: '/ui/', shows: 'hello-server', colors: 'light' },
  'overview-dark': { path: '/ui/', shows: 'hello-server', colors: 'dark' },
  service: { path: '/ui/services/hello-server', shows: 'maintenance', colors: 'light' },
  routes: { path: '/ui/routes?url=%2Fhello%2Fapi%2Fv1', shows: 'gets', colors: 'light' },
  groups: { path: '/ui/groups', shows: 'ready', colors: 'light' },
  'what-if': {
    path: '/ui/groups?try=hello&max=6&lookback=30s&boot=10s',
    shows: 'instance hours',
    colors: 'light',
    part: '.trial',
  },
  history: { path: '/ui/history', shows: 'joined', colors: 'light' },
});

/** So long the load runs first, so that lines have a shape, and so long of it there is more; ms. */
const WARM = 120_000;
const RUSH = 40_000;

const only = process.argv.slice(2);

await run(async () => {
  stopAllWithUs();
  await setup(['test']);
  const executablePath = locate(BROWSER);
  if (executablePath === undefined) throw new Failure('screenshots: no Chromium');
  const [http, dns, proxy, admin] = /** @type {[number, number, number, number]} */ (await freePorts(4));
  const flags = [
    '-dev',
    `-http-port=${http}`,
    `-dns-port=${dns}`,
    `-balancer-listen=127.0.0.1:${proxy}`,
    `-balancer-admin=127.0.0.1:${admin}`,
  ];
  const stackProgram = start(process.execPath, [MUSTER, 'up', inRoot('stacks', 'hello.toml'), ...flags]);
  const api = `http://127.0.0.1:${http}`;
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    await until('the stack', () => stackProgram.output().includes('First request'), {
      ms: 60_000,
      program: stackProgram,
    });
    const url = `http://127.0.0.1:${proxy}/hello/api/v1`;
    const load = start(process.execPath, [MUSTER, 'load', url, '-rate', '80', '-duration', '10m']);
    say('screenshots', `under load for ${WARM / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, RUSH));
    const rush = start(process.execPath, [
      MUSTER,
      'load',
      url,
      '-rate',
      '160',
      '-duration',
      `${RUSH / 1000}s`,
    ]);
    await new Promise((resolve) => setTimeout(resolve, WARM - RUSH));
    await rush.stop();
    const entries = /** @type {{ Service: { ID: string } }[]} */ (
      await (await fetch(`${api}/v1/health/service/hello-server`)).json()
    );
    const drained = encodeURIComponent(entries[2]?.Service.ID ?? '');
    await fetch(`${api}/v1/agent/service/maintenance/${drained}?enable=true&reason=new+disk`, {
      method: 'PUT',
    });
    for (const [name, picture] of Object.entries(PICTURES)) {
      if (only.length > 0 && !only.includes(name)) continue;
      const { path, shows, colors } = picture;
      const context = await browser.newContext({
        colorScheme: colors,
        // A part is to be seen whole: what scrolls goes below the header.
        viewport: { width: 1280, height: 'part' in picture ? 2400 : 800 },
      });
      const page = await context.newPage();
      await page.goto(`${api}${path}`);
      await page.getByText(shows).first().waitFor();
      // The figures of a whole second.
      await page.waitForTimeout(2500);
      const shown = 'part' in picture ? page.locator(picture.part) : page;
      await shown.screenshot({ path: inRoot('docs', 'images', `${name}.png`) });
      say('screenshots', `docs/images/${name}.png`);
      await context.close();
    }
    await load.stop();
  } finally {
    await browser.close();
    await stackProgram.stop();
  }
});
