import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogLine } from '../lib/log.ts';
import { type Agent, startAgent } from './agent.ts';
import { effective } from './config/effective.ts';
import { configSchema } from './config/schema.ts';
import { openAgentLog } from './log.ts';

const ROOT = 'a-very-secret-secret';

let directory: string;
let agent: Agent | undefined;
const lines: LogLine[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'muster-acl-'));
  lines.length = 0;
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function start(acl: object = {}): Promise<void> {
  await agent?.stop();
  const config = configSchema.parse({
    node: { name: 'n1', dataDir: directory },
    ports: { http: 0, dns: 0 },
    balancer: { enabled: false },
    acl: { enabled: true, defaultPolicy: 'deny', ...acl },
  });
  const log = openAgentLog({ level: 'debug', format: 'json', sink: () => {} });
  log.tail((line) => lines.push(line));
  agent = await startAgent(config, { log });
}

async function ask(method: string, where: string, { token = '', body = '' } = {}): Promise<string> {
  const answer = await fetch(`http://${agent?.addresses.http[0]}${where}`, {
    method,
    headers: token === '' ? {} : { 'X-Consul-Token': token },
    ...(body === '' ? {} : { body }),
  });
  return `${answer.status} ${await answer.text()}`;
}

test('the configured management token works, over restarts too, and stands in no log', async () => {
  for (let run = 0; run < 2; run++) {
    await start({ tokens: { initialManagement: ROOT } });
    expect(await ask('GET', '/v1/agent/self')).toBe('403 Permission denied');
    expect(await ask('GET', '/v1/agent/self', { token: ROOT })).toMatch(/^200 .*"acls":"1"/s);
    expect(await ask('PUT', '/v1/kv/a', { token: ROOT, body: 'x' })).toMatch(/^200/);
    await ask('GET', `/v1/kv/a?token=${ROOT}`);
    // What the agent registers itself needs no token.
    expect(await ask('GET', '/v1/catalog/service/consul', { token: ROOT })).toContain('"Node":"n1"');
  }
  const tokens = JSON.parse((await ask('GET', '/v1/acl/tokens', { token: ROOT })).slice(4)) as object[];
  expect(tokens).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toContain(ROOT);
});

test('whoever can write into the data directory may bootstrap again, once', async () => {
  await start();
  const first = await ask('PUT', '/v1/acl/bootstrap');
  expect(first).toMatch(/^200/);
  const index = /reset index: (\d+)/.exec(await ask('PUT', '/v1/acl/bootstrap'))?.[1] as string;
  writeFileSync(path.join(directory, 'acl-bootstrap-reset'), index);
  expect(await ask('PUT', '/v1/acl/bootstrap')).toMatch(/^200/);
  expect(await ask('PUT', '/v1/acl/bootstrap')).toMatch(/^403/);
});

test('tokens that were set while running are kept when that is wanted, for the user of the agent only', async () => {
  const set = () => ask('PUT', '/v1/agent/token/default', { token: ROOT, body: `{"Token":"${ROOT}"}` });
  const anonymous = () => ask('GET', '/v1/acl/token/self');
  await start({ tokens: { initialManagement: ROOT } });
  expect(await set()).toBe('200 ');
  expect(await anonymous()).toContain(ROOT);
  await start({ tokens: { initialManagement: ROOT }, enableTokenPersistence: true });
  expect(await anonymous()).toContain('anonymous');
  await set();
  const file = path.join(directory, 'acl-tokens.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain(ROOT);
  await start({ tokens: { initialManagement: ROOT }, enableTokenPersistence: true });
  expect(await anonymous()).toContain(ROOT);
  writeFileSync(file, `{"default": ${ROOT}`);
  const failed = await start({ enableTokenPersistence: true }).catch((error: Error) => error.message);
  expect(failed).toContain('is no JSON');
  expect(failed).not.toContain(ROOT);
});

test('the configuration is shown without its secrets', () => {
  const shown = effective(configSchema, { acl: { tokens: { initialManagement: ROOT, default: '' } } });
  expect(shown).toMatchObject({
    acl: { tokens: { initial_management: '(hidden)', default: '', agent: '' } },
  });
});
