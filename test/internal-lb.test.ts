import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { ARTIFACTS, MUSTER } from '../scripts/support/paths.mjs';
import { type Running, runToEnd, start, until } from '../scripts/support/processes.mjs';
import type { Report } from '../src/cli/chaos/report.ts';
import type { GroupView } from '../src/group/view.ts';
import { browserPath, startBrowser } from './support/browser.ts';
import { copyOfStacks, temporaryFolder } from './support/muster.ts';
import { Network, noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/internal-lb.test.ts is skipped: ${why}\n`);

const ZONE = 'us-central1-f';
const NAME = `${ZONE}.haproxy-internal.service.consul`;

/** The walk through stacks/internal-lb.md, on a machine of its own: its ports are those of the file. */
describe.skipIf(why !== undefined)('stacks/internal-lb.toml', () => {
  const { folder, remove } = temporaryFolder();
  let network: Network;
  let stack: Running;
  let browser: Browser;
  let page: Page;
  let hostsFile: string;

  const on = (...command: string[]) => {
    const [program, args] = network.on(1, command);
    return runToEnd(program, args);
  };
  const muster = (...words: string[]) => on(process.execPath, MUSTER, ...words);
  // Asked often: a program of Muster's for each question would take a core for itself.
  const group = async (name: string) =>
    JSON.parse(
      (await on('curl', '-sf', '-m', '5', `http://127.0.0.1:8500/v1/muster/groups/${name}`)).output,
    ) as GroupView;
  const whole = (name: string, size: number) =>
    until(
      `${size} of ${name}`,
      async () => {
        const { ready, instances } = await group(name);
        return ready === size && instances.length === size;
      },
      { ms: 60_000, every: 250, program: stack },
    );
  const addresses = async () =>
    (await on('dig', '@127.0.0.1', '-p', '8653', '+short', NAME)).output.trim().split('\n').sort();
  const show = () => onTestFailed(() => void process.stdout.write(stack.output().slice(-12_000)));

  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    network = new Network('internal-lb');
    network.add(1);
    const stacks = copyOfStacks(folder);
    hostsFile = join(stacks, '.muster', 'internal-lb', 'hosts.consul');
    const zone = join(stacks, 'internal-lb', 'us-central1-f.toml');
    // The same in less time, and for a load that a busy machine carries too.
    const text = readFileSync(zone, 'utf8')
      .replaceAll('stabilization = "30s"', 'stabilization = "8s"')
      .replace('target = 0.1 ', 'target = 0.05 ')
      .replace('target = 160', 'target = 40');
    writeFileSync(zone, text);
    const [program, args] = network.on(1, [process.execPath, MUSTER, 'up', join(stacks, 'internal-lb.toml')]);
    stack = start(program, args);
    await until(
      'the page',
      async () => (await on('curl', '-sf', '-m', '5', 'http://127.0.0.1:8000/')).output.includes('Served by'),
      { ms: 80_000, every: 250, program: stack },
    );
    // A browser on that machine.
    const [ip, words] = network.on(1, [browserPath()]);
    const wrapper = join(folder, 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${ip} ${words.join(' ')} "$@"\n`, { mode: 0o755 });
    browser = await startBrowser(wrapper);
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop('SIGTERM', 60_000);
    network?.remove();
    remove();
  });

  it('three servers and the zone are members', async () => {
    show();
    await until(
      'all to be members',
      async () => {
        const { output } = await muster('members');
        return (
          ['consul-1', 'consul-2', 'consul-3'].every((name) =>
            new RegExp(`^${name} .*alive .*server`, 'm').test(output),
          ) && new RegExp(`^${ZONE} .*alive .*client`, 'm').test(output)
        );
      },
      { program: stack },
    );
  });

  it('the zone name leads to the balancers, through the forwarder and from the rendered hosts file', async () => {
    show();
    await whole('haproxy-internal', 2);
    await until('both addresses', async () => (await addresses()).join() === '127.0.8.1,127.0.8.2', {
      program: stack,
    });
    const lines = [1, 2].map((number) => `127.0.8.${number} ${ZONE}.haproxy-internal ${NAME}`);
    await until(
      'both to be rendered',
      () => readFileSync(hostsFile, 'utf8').trim().split('\n').sort().join() === lines.join(),
      { program: stack },
    );
    // Another zone has none.
    expect(
      (await on('dig', '@127.0.0.1', '-p', '8653', '+short', NAME.replace('-f', '-x'))).output.trim(),
    ).toBe('');
  });

  it('the page in a browser is served by one backend after the other', async () => {
    show();
    await whole('backend', 2);
    const seen = new Set<string>();
    await until(
      'two backends on the page',
      async () => {
        await page.goto('http://127.0.0.1:8000/');
        const heading = (await page.getByRole('heading').textContent()) ?? '';
        if (/^Served by backend-\d+$/.test(heading)) seen.add(heading);
        return seen.size === 2;
      },
      { program: stack },
    );
    expect(await page.getByRole('row', { name: /^Zone/ }).textContent()).toBe(`Zone${ZONE}`);
    expect(await page.getByRole('row', { name: /^Balancer/ }).textContent()).toMatch(
      /^Balancer127\.0\.8\.\d+:8080$/,
    );
    await page.screenshot({ path: join(ARTIFACTS, 'internal-lb.png') });
  });

  it('while both tiers and the servers are killed and rolled under a load that triples, requests fail only on connections that were new to a balancer killed just then', async () => {
    show();
    await muster('group', 'scale', 'haproxy-internal', '3');
    await whole('haproxy-internal', 3);
    await until('three addresses', async () => (await addresses()).length === 3, { program: stack });
    const plan = join(folder, 'short.chaos.toml');
    // That of the stack, in a tenth of the time and at a seventh of the rate.
    writeFileSync(
      plan,
      `url = "http://${NAME}:8080/"\nresolver = "127.0.0.1:8653"\nagents = ["127.0.0.1:8510", "127.0.0.1:8500"]
load = [{ rate = 20, for = "5s" }, { rate = 60, for = "15s" }, { rate = 20, for = "5s" }]
[[fault]]
kind = "kill"
groups = ["backend"]
every = "8s"
[[fault]]
kind = "kill"
groups = ["haproxy-internal"]
every = "8s"
[[fault]]
kind = "kill"
groups = ["consul-1", "consul-2", "consul-3"]
every = "60s"
first = "6s"
spare = 2
[[fault]]
kind = "roll"
groups = ["backend", "haproxy-internal"]
every = "60s"
first = "12s"
`,
    );
    const { output, code } = await muster(
      'chaos',
      '-plan',
      plan,
      '-agent',
      '127.0.0.1:8510,127.0.0.1:8500',
      '-json',
    );
    const report = JSON.parse(output.slice(output.indexOf('{\n'))) as Report;
    process.stdout.write(
      `${report.requests} requests, ${report.failed} failed: ${JSON.stringify(report.failures)}; tried again ${JSON.stringify(report.again)}; ${report.events.map(({ words }) => words).join(', ')}\n`,
    );
    // A killed balancer is the client's own peer: nobody in front of it could take over, and what a new connection to it carried is lost.
    // A killed backend or server, a roll, a change of size: no request may fail of those, nor in any other way.
    expect(Object.keys(report.failures).filter((failure) => failure !== 'new connection closed')).toEqual([]);
    const cut = report.timeline.filter(({ failed }, at) => {
      const events = report.timeline.slice(Math.max(0, at - 1), at + 1).flatMap((slice) => slice.events);
      return failed > 0 && !events.some((words) => /haproxy-internal-\d+ is killed/.test(words));
    });
    expect(cut).toEqual([]);
    expect(report.requests).toBe(1_100);
    expect(new Set(report.events.map(({ kind }) => kind))).toEqual(new Set(['kill', 'roll']));
    expect(report.events.filter(({ wholeAfter }) => wholeAfter === undefined)).toEqual([]);
    expect(code).toBe(report.failed === 0 ? 0 : 1);
  });

  it('both tiers grow under a load and are as small as before when it is over', async () => {
    show();
    const sizes = async () => [(await group('backend')).size, (await group('haproxy-internal')).size];
    const areBothSmall = async () => (await sizes()).join() === '2,2';
    const waiting = { ms: 80_000, every: 250, program: stack };
    await until('both tiers at their least size', areBothSmall, waiting);
    const [program, args] = network.on(1, [
      process.execPath,
      MUSTER,
      ...['load', `http://${NAME}:8080/`, '-resolver', '127.0.0.1:8653', '-rate', '200', '-duration', '120s'],
      ...['-clients', '50', '-connections', '6'],
    ]);
    const load = start(program, args);
    await until('both tiers larger', async () => (await sizes()).every((size) => size > 2), waiting);
    await load.stop('SIGINT');
    await until('both tiers small again', areBothSmall, waiting);
  });
});
