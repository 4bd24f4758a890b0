import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Authority } from '../../proxy/tls/fixtures.ts';
import { startTestAgent, type TestAgent } from './test-agent.test-support.ts';

/** An agent on a Unix socket, and over TLS for who shows a certificate; the command line reaches both. */
let world: TestAgent;
let folder: string;
const authorities = [new Authority('Agents'), new Authority('Clients')] as const;
const file = (name: string, text = '') => {
  if (text !== '') writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const socket = () => `unix://${file('api.sock')}`;
const secure = () => world.agent.addresses.http.find((address) => address.startsWith('https:')) ?? '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-connection-'));
  const [agents, clients] = authorities;
  const [own, me] = [agents.issue({ names: ['agent.test'] }), clients.issue({ names: ['me'] })];
  file('agents.pem', agents.cert);
  file('me.pem', me.cert);
  file('me-key.pem', me.key);
  world = await startTestAgent(`
[ports]
https = 0
[api]
address = "${socket()}"
[api.tls]
address = "127.0.0.1"
cert = "${file('agent.pem', own.cert)}"
key = "${file('agent-key.pem', own.key)}"
client_ca = "${file('clients.pem', clients.cert)}"
verify_incoming = true
`);
});
afterAll(async () => {
  await world?.agent.stop();
  for (const authority of authorities) authority.remove();
  rmSync(folder, { recursive: true, force: true });
});

const FOUND = { code: 0, err: '', out: expect.stringMatching(/^n1 .*alive/m) };

it('over the socket, by flag and by variable', async () => {
  expect(await world.muster(`members -http-addr ${socket()}`)).toMatchObject(FOUND);
  // Where the test's own agent is, is such an address too.
  expect(await world.muster('members')).toMatchObject(FOUND);
  // As scripts write it whose own variable is not set.
  expect(await world.muster('members -http-addr= -token= -token-file= -ca-file=')).toMatchObject(FOUND);
  expect(await world.muster(`members -http-addr unix://${folder}/none`)).toMatchObject({
    code: 1,
    err: expect.stringContaining(`no agent answers at unix://${folder}/none`),
  });
});

it('over TLS, with a certificate of its own, by flags', async () => {
  const flags = [
    ...['-http-addr', secure(), '-ca-file', file('agents.pem'), '-tls-server-name', 'agent.test'],
    ...['-client-cert', file('me.pem'), '-client-key', file('me-key.pem')],
  ];
  expect(await world.muster(['members', ...flags])).toMatchObject(FOUND);
  expect(await world.muster(['members', ...flags.slice(0, -4)])).toMatchObject({
    code: 1,
    err: expect.stringContaining('CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY'),
  });
  expect(await world.muster(['members', ...flags.slice(0, -2)])).toMatchObject({
    code: 2,
    err: expect.stringContaining('give both'),
  });
  expect(await world.muster(['members', '-http-addr', secure(), ...flags.slice(-4)])).toMatchObject({
    code: 1,
    err: expect.stringContaining('CONSUL_CACERT'),
  });
  expect(await world.muster(['members', ...flags, '-ca-file', '/nowhere'])).toMatchObject({ code: 2 });
});

it('says which of http and https it was not', async () => {
  expect(await world.muster(['members', '-http-addr', secure().replace('https:', 'http:')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('If that port speaks TLS, write https:// in front of the address.'),
  });
  const plain = createServer().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  expect(await world.muster(['members', '-http-addr', `https://127.0.0.1:${port}`])).toMatchObject({
    code: 1,
    err: expect.stringContaining('what listens there does not speak TLS. Write http://'),
  });
  plain.close();
});

it('over TLS by Consul’s variables', async () => {
  mkdirSync(join(folder, 'authorities'));
  file('authorities/agents.pem', authorities[0].cert);
  const env = {
    CONSUL_HTTP_ADDR: secure().replace('https://', ''),
    CONSUL_HTTP_SSL: 'true',
    CONSUL_CLIENT_CERT: file('me.pem'),
    CONSUL_CLIENT_KEY: file('me-key.pem'),
  };
  const members = (more: Record<string, string>) => world.muster('members', '', { ...env, ...more });
  const named = { CONSUL_TLS_SERVER_NAME: 'agent.test' };
  expect(await members({ ...named, CONSUL_CACERT: file('agents.pem') })).toMatchObject(FOUND);
  expect(await members({ ...named, CONSUL_CAPATH: file('authorities') })).toMatchObject(FOUND);
  expect(await members({ CONSUL_HTTP_SSL_VERIFY: 'false' })).toMatchObject(FOUND);
  expect((await members({ CONSUL_CACERT: file('agents.pem') })).code).toBe(1);
  expect((await members(named)).code).toBe(1);
});
