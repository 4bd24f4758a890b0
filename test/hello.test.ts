import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { runs, runToEnd, until } from '../scripts/support/processes.mjs';
import { srvPorts } from './support/dns.ts';
import { ask, getJson } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import { type Muster, stack, startMuster, temporaryFolder, withTwoWorkers } from './support/muster.ts';

const REPLICAS = 8;
const PATH = '/hello/api/v1';
const SERVICE = 'hello-server';
/** Requests a second, of 200 kB each: a load that goes on whatever is answered must be one that a busy machine carries too. */
const RATE = 50;

interface HelloAnswer {
  UUID: string;
}

interface HealthEntry {
  Service: { ID: string; Port: number };
}

const home = temporaryFolder();
let muster: Muster;

const passing = () => getJson<HealthEntry[]>(`${muster.api}/v1/health/service/${SERVICE}?passing`);

const allRouted = () =>
  until(
    `${REPLICAS} replicas to be passing and routed`,
    async () => {
      if ((await passing()).length !== REPLICAS) return false;
      // Twice: each worker begins anew with the youngest instance when it learns of it, one a moment after the other.
      for (let round = 0; round < 2; round++) if ((await uuidsOf(REPLICAS)).size !== REPLICAS) return false;
      return true;
    },
    { every: 100, program: muster.program },
  );

async function uuidsOf(requests: number): Promise<Set<string>> {
  const uuids = new Set<string>();
  for (let i = 0; i < requests; i++) {
    uuids.add((await getJson<HelloAnswer>(`${muster.proxy}${PATH}`)).UUID);
  }
  return uuids;
}

/** The process that was given this port by its group. */
function processOn(port: number): number {
  const pids = muster.program.family().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`PORT=${port}`);
    } catch {
      return false;
    }
  });
  expect(pids.length).toBeGreaterThan(0);
  return Math.min(...pids);
}

beforeAll(async () => {
  muster = await startMuster('up', withTwoWorkers(stack('hello')), home.folder);
  const { program } = muster;
  // The request that it sends itself takes a turn.
  await until('its own first request', () => /^Ctrl-C ends/m.test(program.output()), { program });
  await allRouted();
});

afterAll(async () => {
  await muster?.program.kill();
  home.remove();
});

describe('the hello stack', () => {
  it('answers every request from the next of its 8 replicas', async () => {
    expect((await uuidsOf(REPLICAS)).size).toBe(REPLICAS);
    const counts = new Map<string, number>();
    for (let i = 0; i < 5 * REPLICAS; i++) {
      const { UUID } = await getJson<HelloAnswer>(`${muster.proxy}${PATH}`);
      counts.set(UUID, (counts.get(UUID) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual(Array(REPLICAS).fill(5));
  });

  it('answers with the status, the name, the UUID and about 200 kB of data', async () => {
    const { status, text } = await ask(`${muster.proxy}${PATH}`);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      Status: 200,
      Application: 'hello',
      UUID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(text.length).toBeGreaterThan(150_000);
    expect(text.length).toBeLessThan(300_000);
  });

  it('lists all 8 in DNS', async () => {
    const listed = await srvPorts(muster.dnsPort, `${SERVICE}.service.consul`);
    const ports = (await passing()).map((entry) => entry.Service.Port);
    expect(listed.sort()).toEqual(ports.sort());
    expect(new Set(ports).size).toBe(REPLICAS);
  });

  it('loses no request when a replica is killed under load, and starts it again', async () => {
    const before = await passing();
    const victim = before[3]?.Service.Port ?? 0;
    const load = Load.begin(`${muster.proxy}${PATH}`, RATE);
    await until('the load to flow', () => load.samples.length > 100);
    process.kill(processOn(victim), 'SIGKILL');
    const killedAt = load.samples.length;
    await until('more load', () => load.samples.length > killedAt + 300);
    const samples = await load.end();
    expect(failures(samples)).toEqual([]);
    await allRouted();
  });

  it('says why, and drains an instance without a failed request', async () => {
    const cli = (...words: string[]) =>
      runToEnd(process.execPath, [MUSTER, ...words], { env: { CONSUL_HTTP_ADDR: muster.api } });
    // Each worker tells by itself that the one that was killed is back.
    await until('all to be well', async () => {
      const { output, code } = await cli('why', SERVICE);
      const first =
        /^hello-server: 8 of 8 instances may get traffic\n {2}\/hello\/api\/v1 {2}rr, 8 targets\n/;
      return code === 0 && first.test(output);
    });
    const [first] = await passing();
    const id = first?.Service.ID ?? '';
    const load = Load.begin(`${muster.proxy}${PATH}`, RATE / 2);
    const drained = await cli('drain', '-reason', 'new disk', id);
    expect(drained.output).toBe(`${id} gets no new requests, and none is in flight\n`);
    expect((await cli('why', SERVICE)).output).toContain(`✗ ${id}`);
    expect((await cli('top', '-once')).output).toMatch(/\nhello-server .* 7\/8 +1 maintenance\n/);
    expect((await cli('drain', '-undo', id)).output).toBe(`${id} takes part again\n`);
    expect(failures(await load.end())).toEqual([]);
    await allRouted();
    expect((await cli('drain', 'nobody')).output).toContain(
      'no instance "nobody" is registered with this agent',
    );
  });

  it('shows its routes', async () => {
    const routes = await getJson<{ service: string }[]>(`${muster.admin}/api/routes`);
    expect(routes.filter((one) => one.service === SERVICE)).toHaveLength(REPLICAS);
  });

  // Last: it ends the stack.
  it('ends with every child on SIGTERM, while requests in flight complete', async () => {
    const family = muster.program.family();
    expect(family.length).toBeGreaterThan(REPLICAS);
    const inFlight = Array.from({ length: 20 }, () => ask(`${muster.proxy}${PATH}`));
    const answers = Promise.allSettled(inFlight);
    const first = await Promise.race(inFlight);
    expect(first.status).toBe(200);
    // Not `stop`, which ends all that is left.
    process.kill(muster.program.pid, 'SIGTERM');
    expect(await muster.program.exited).toEqual({ code: 0, signal: null });
    await until('its family to have ended', () => !family.some(runs));
    // A connection that was not accepted yet may be refused; an answer that was begun is whole.
    for (const one of await answers) {
      if (one.status === 'fulfilled') expect(one.value.status).toBe(200);
    }
  });
});
