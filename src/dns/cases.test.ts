import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setQuery } from '../catalog/commands/query.ts';
import { deregisterService } from '../catalog/commands/register.ts';
import { queryDraft } from '../catalog/prepared-query/fixtures.test-support.ts';
import type { CheckStatus } from '../catalog/rows.ts';
import { startWorld, type World } from './world.test-support.ts';

/**
 * The conformance cases for DNS (each was recorded from Consul 1.10), here against this folder alone: what
 * they do over HTTP is done in the catalog directly.
 */
const SUITE = new URL('../../test/conformance/', import.meta.url);

interface Step {
  http?: string;
  dns?: string;
  dnsRaw?: string;
  tcp?: boolean;
  within?: number;
  send?: { json: Registration & { DNS?: { TTL: string } } };
  expect: Record<string, unknown>;
}
interface Registration {
  Node: string;
  Address: string;
  NodeMeta?: Record<string, string>;
  Name?: string;
  Port?: number;
  Service?: {
    ID: string;
    Service: string;
    Port: number;
    Address?: string;
    Tags?: string[];
    Weights?: { Passing: number; Warning: number };
  };
  Check?: { Status: CheckStatus; ServiceID?: string };
}
interface Case {
  name: string;
  steps: Step[];
}

type Answer = Record<string, unknown>;
const lib = (await import(new URL('lib/dns.mjs', SUITE).href)) as {
  ask(question: Record<string, unknown>): Promise<Answer>;
  decodeMessage(bytes: Buffer): Answer;
  sendUdp(message: { host: string; port: number; bytes: Buffer; timeout: number }): Promise<Buffer | null>;
  sendTcp(message: { host: string; port: number; bytes: Buffer; timeout: number }): Promise<Buffer | null>;
};
const { match, fill } = (await import(new URL('lib/match.mjs', SUITE).href)) as {
  match(expected: unknown, value: unknown, path: string, vars: Record<string, string>): string | null;
  fill<T>(value: T, vars: Record<string, string>): T;
};

const casesOf = (file: string): Case[] =>
  (JSON.parse(readFileSync(new URL(file, SUITE), 'utf8')) as { cases: Case[] }).cases;

const own = { name: 'conf-1', address: '127.0.0.1' };
const vars = { node: own.name };

async function setUp(world: World, { http = '', send }: Step): Promise<void> {
  const path = http.split(' ')[1] ?? '';
  const id = path.split('/').pop()?.split('?')[0] ?? '';
  const body = send?.json as NonNullable<Step['send']>['json'];
  if (path === '/v1/catalog/register') {
    if (body.Service === undefined || body.NodeMeta !== undefined)
      await world.node(body.Node, body.Address, body.NodeMeta);
    const { Service: service, Check: check } = body;
    if (service !== undefined)
      await world.service(body.Node, body.Address, {
        id: service.ID,
        name: service.Service,
        port: service.Port,
        ...(service.Address === undefined ? {} : { address: service.Address }),
        ...(service.Tags === undefined ? {} : { tags: service.Tags }),
        ...(service.Weights === undefined
          ? {}
          : { weights: { passing: service.Weights.Passing, warning: service.Weights.Warning } }),
      });
    if (check !== undefined) await world.check(body.Node, body.Address, check.Status, check.ServiceID);
  } else if (path === '/v1/agent/service/register') {
    await world.service(own.name, own.address, { name: body.Name ?? '', port: body.Port ?? 0 });
  } else if (path.startsWith('/v1/agent/service/deregister/')) {
    await world.store.write((tx) => deregisterService(tx, own.name, id));
  } else if (path.startsWith('/v1/agent/service/maintenance/')) {
    const status = path.endsWith('enable=true') ? 'critical' : 'passing';
    await world.check(own.name, own.address, status, id);
  } else if (path === '/v1/query') {
    const { Name: name = '', Service: asked, DNS: dns } = body;
    const draft = queryDraft({
      id: randomUUID(),
      name,
      service: { service: asked?.Service ?? '' },
      dns: { ttl: dns?.TTL ?? '' },
    });
    await world.store.write((tx) => setQuery(tx, draft));
  } else throw new Error(`no stand-in for ${http}`);
}

async function run(world: World, { steps }: Case): Promise<void> {
  const at = { host: '127.0.0.1', port: world.port };
  for (const raw of steps) {
    const step = fill(raw, vars);
    if (step.http !== undefined) {
      await setUp(world, step);
      continue;
    }
    const ask = async (): Promise<Answer> => {
      if (step.dns !== undefined) {
        const [name, type = 'A'] = step.dns.split(' ');
        return lib.ask({ ...at, ...step, name, type });
      }
      const bytes = Buffer.from(step.dnsRaw ?? '', 'hex');
      // What is to stay without an answer is not waited for long.
      const timeout = step.expect.answered === false ? 100 : 10_000;
      const message = await (step.tcp ? lib.sendTcp : lib.sendUdp)({ ...at, bytes, timeout });
      return message === null ? { answered: false } : { answered: true, ...lib.decodeMessage(message) };
    };
    let difference: string | null = 'not asked';
    const until = Date.now() + (step.within ?? 0);
    do {
      const answer = await ask();
      const parts = Object.entries(step.expect);
      difference =
        parts.map(([key, value]) => match(value, answer[key], key, vars)).find((d) => d !== null) ?? null;
    } while (difference !== null && Date.now() < until);
    expect(difference, `${step.dns ?? step.dnsRaw}`).toBeNull();
  }
}

const isDns = ({ steps }: Case) => steps.some(({ dns, dnsRaw }) => dns !== undefined || dnsRaw !== undefined);

describe('DNS as by default', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({}, own);
    await world.service(own.name, own.address, { name: 'consul', port: 8300 });
  });
  afterAll(() => world.stop());
  it.each(casesOf('consul/dns.json'))('$name', (one) => run(world, one));
});

describe('DNS with the options of agent-options.json', () => {
  let world: World;
  beforeAll(async () => {
    const options = {
      enableTruncate: true,
      onlyPassing: true,
      nodeTtl: 7_000,
      serviceTtl: { 'conf-opt-ttl': 11_000, 'conf-opt-pre*': 13_000, '*': 5_000 },
      udpAnswerLimit: 2,
      aRecordLimit: 4,
      enableAdditionalNodeMetaTxt: false,
      soa: { refresh: 1800, retry: 300, expire: 43_200, minTtl: 9 },
    };
    world = await startWorld({ altDomain: 'alt.test', options }, own);
  });
  afterAll(() => world.stop());
  it.each(casesOf('consul-options/options.json').filter(isDns))('$name', (one) => run(world, one));
});
