import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, onTestFailed, type TestContext } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, type Running, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { missingForEngine, TEST_IMAGE, TestEngine } from '../src/docker/engine.test-support.ts';
import { messageOf } from '../src/errors.ts';
import { srvPorts } from './support/dns.ts';
import { ask, getJson } from './support/http.ts';
import { copyOfStacks, temporaryFolder } from './support/muster.ts';

/** The walk through stacks/gobetween-consul.md: six containers of a real engine, on other ports than the file's. */

const NETWORK = 'muster-test-net';
const PORTS = [
  '8500',
  '8501',
  '8502',
  '8503',
  '8510',
  '8601',
  '8602',
  '8603',
  '8301',
  '8302',
  '8303',
  '2000',
  '2001',
];

const home = temporaryFolder();
let engine: TestEngine;
let stack: Running;
let trouble =
  missingForEngine.length > 0
    ? `gobetween-consul is not tested: needs ${missingForEngine.join(', ')}`
    : undefined;
const port: Record<string, string> = {};

const skipIfTrouble = ({ skip }: TestContext) => skip(trouble !== undefined, trouble);
const show = () => onTestFailed(() => void process.stdout.write(stack.output().slice(-12_000)));

/** Who answers so many requests at one of the balancer's ports. Rejects soon where a paused one was asked, which never answers. */
async function answering(at: string, requests: number): Promise<string[]> {
  const seen = new Set<string>();
  for (let sent = 0; sent < requests; sent++)
    seen.add((await ask(`http://127.0.0.1:${port[at]}/test_service.html`, { timeout: 2_000 })).text.trim());
  return [...seen].sort();
}
const srv = (service: string) => srvPorts(Number(port['8601']), `${service}.service.production.consul`);

beforeAll(async () => {
  if (trouble !== undefined) return;
  try {
    engine = await TestEngine.start();
    await engine.call('POST', '/networks/create', { Name: NETWORK });
  } catch (error) {
    trouble = `gobetween-consul is not tested: the engine cannot run here: ${messageOf(error)}`;
    console.warn(trouble);
    return;
  }
  const free = await freePorts(PORTS.length);
  for (const [at, name] of PORTS.entries()) port[name] = `${free[at]}`;
  const stacks = copyOfStacks(home.folder);
  for (const file of ['gobetween-consul.toml', 'gobetween-consul/gobetween.toml']) {
    const text = readFileSync(join(stacks, file), 'utf8')
      .replace(/\b(?:8[356]\d\d|200[01])\b/g, (found) => port[found] ?? found)
      .replaceAll('WEB_IMAGE = "busybox"', `WEB_IMAGE = "${TEST_IMAGE}"`)
      .replaceAll('DOCKER_FLAGS = ""', `DOCKER_FLAGS = "--network ${NETWORK}"`);
    writeFileSync(join(stacks, file), text);
  }
  stack = start(process.execPath, [MUSTER, 'up', join(stacks, 'gobetween-consul.toml')], {
    env: { DOCKER_HOST: engine.host },
  });
  await until(
    'three containers of each service',
    async () => (await srv('service1')).length === 3 && (await srv('service2')).length === 3,
    { ms: 120_000, every: 250, program: stack },
  );
});
afterAll(async () => {
  await stack?.stop('SIGTERM', 60_000);
  await engine?.close();
  home.remove();
});

describe('stacks/gobetween-consul.toml', () => {
  it('three servers are members of production', async (context) => {
    skipIfTrouble(context);
    show();
    // Over the balanced API.
    await until(
      'the API',
      async () => (await ask(`http://127.0.0.1:${port['8500']}/v1/status/leader`)).status === 200,
      {
        program: stack,
      },
    );
    const isMember = (number: number) =>
      new RegExp(`^server${number}\\.consul\\.example\\.com .*alive .*server .*production`, 'm');
    // The last one may come a moment after the API is there.
    await until(
      'three servers',
      async () => {
        const args = [MUSTER, 'members', `-http-addr=127.0.0.1:${port['8500']}`];
        const { output } = await runToEnd(process.execPath, args);
        return [1, 2, 3].every((number) => isMember(number).test(output));
      },
      { program: stack },
    );
  });

  it('the API is balanced over them', async (context) => {
    skipIfTrouble(context);
    show();
    const name = async () => {
      const url = `http://127.0.0.1:${port['8500']}/v1/agent/self`;
      return (await getJson<{ Config: { NodeName: string } }>(url)).Config.NodeName;
    };
    await until(
      'an answer of each in nine',
      async () => {
        const names = new Set<string>();
        for (let sent = 0; sent < 9; sent++) names.add(await name());
        return names.size === 3;
      },
      { program: stack },
    );
  });

  it('each service is balanced over its three containers', async (context) => {
    skipIfTrouble(context);
    show();
    for (const [at, service] of [
      ['2000', 'service1'],
      ['2001', 'service2'],
    ] as const)
      await until(
        `all of ${service}`,
        async () => (await answering(at, 12)).join() === [1, 2, 3].map((one) => `${service}-${one}`).join(),
        { every: 250, program: stack },
      );
  });

  it('a container that stops is gone from DNS and from the balancer, one that is started is back', async (context) => {
    skipIfTrouble(context);
    show();
    await engine.call('POST', '/containers/service1-2/pause');
    await until('two in DNS', async () => (await srv('service1')).length === 2, { program: stack });
    await until(
      'two at the balancer',
      async () => (await answering('2000', 6)).join() === 'service1-1,service1-3',
      {
        every: 250,
        program: stack,
      },
    );
    await engine.call('POST', '/containers/service1-2/unpause');
    await until('three again', async () => (await answering('2000', 12)).length === 3, {
      every: 250,
      program: stack,
    });
    // One that is killed is started again by its group.
    await engine.call('POST', '/containers/service2-1/kill');
    await until('all of service2 again', async () => (await srv('service2')).length === 3, {
      program: stack,
    });
  });
});
