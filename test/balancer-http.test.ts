import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { ask, getJson, put } from './support/http.ts';
import { onPorts, pickPorts, startMuster, testFolder, writeConfig } from './support/muster.ts';

interface Problem {
  instance: string;
  tag: string;
  reason: string;
}

const hashOf = (password: string) => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const as = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** An instance that answers with the fields it was sent. */
async function startEcho(): Promise<number> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/plain').end(JSON.stringify(request.headers));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

it('an agent asks for passwords, adds fields, compresses, logs requests and has a page of its own, and reloads all that', async () => {
  const folder = testFolder();
  const users = join(folder, 'staff.htpasswd');
  writeFileSync(users, `ann:${hashOf('secret')}\n`);
  writeFileSync(join(folder, 'none.html'), '<h1>nothing here</h1>');
  const ports = await pickPorts();
  const staff = { name: 'staff', realm: 'Staff only', file: 'staff.htpasswd', refresh: '1s' };
  const balancer = {
    workers: 2,
    auth: [staff],
    headers: { client_ip: 'X-Client', request_id: 'X-Request' },
    compression: { types: ['text/*'] },
    access_log: { format: '$request_uri $response_status $upstream_service', target: 'access.log' },
    no_route: { status: 410, page: 'none.html' },
  };
  const node = { dev: true };
  const { program, api, proxy, admin } = await startMuster('agent', { node, balancer }, folder, ports);
  onTestFinished(async () => {
    await program.stop();
  });
  const port = await startEcho();
  const tags = ['/open', '/staff auth=staff', '/team auth=team'];
  await put(`${api}/v1/agent/service/register`, {
    ID: 'a',
    Name: 'web',
    Address: '127.0.0.1',
    Port: port,
    Tags: tags.map((tag) => `urlprefix-${tag}`),
    Check: { TCP: `127.0.0.1:${port}`, Interval: '10s', Status: 'passing' },
  });
  await until('the route', async () => (await ask(`${proxy}/open`)).status === 200, { program });

  // What the instance is told, and how its answer comes.
  const told = JSON.parse((await ask(`${proxy}/open`)).text) as Record<string, string>;
  expect(told).toMatchObject({
    'x-client': '127.0.0.1',
    'x-request': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(await ask(`${proxy}/open`, { headers: { 'accept-encoding': 'gzip' } })).toMatchObject({
    headers: { 'content-encoding': 'gzip' },
  });

  // Passwords.
  expect(await ask(`${proxy}/staff`)).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': expect.stringContaining('Staff only') },
  });
  expect(await ask(`${proxy}/staff`, { headers: as('ann', 'wrong') })).toMatchObject({ status: 401 });
  expect(await ask(`${proxy}/staff`, { headers: as('ann', 'secret') })).toMatchObject({ status: 200 });
  writeFileSync(users, `bob:${hashOf('secret')}\n`);
  await until(
    'the new user',
    async () => (await ask(`${proxy}/staff`, { headers: as('bob', 'secret') })).status === 200,
  );
  // Each worker hears of it by itself.
  await until(
    'the old user to be gone',
    async () => (await ask(`${proxy}/staff`, { headers: as('ann', 'secret') })).status === 401,
  );

  // A scheme that is not there.
  const problems = () => getJson<Problem[]>(`${admin}/api/problems`);
  expect(await ask(`${proxy}/team`, { headers: as('bob', 'secret') })).toMatchObject({ status: 401 });
  expect(await problems()).toMatchObject([
    {
      instance: expect.stringMatching(/\/a$/),
      tag: 'urlprefix-/team auth=team',
      reason: expect.stringMatching(/^auth=team/),
    },
  ]);
  await until('the log', () => /auth=team: no scheme of this name/.test(program.output()));

  // The page and the log.
  expect(await ask(`${proxy}/nowhere`)).toMatchObject({ status: 410, text: '<h1>nothing here</h1>' });
  const log = join(folder, 'access.log');
  await until('the lines', () => {
    const text = readFileSync(log, 'utf8');
    return ['/open 200 web', '/staff 401 ', '/nowhere 410 '].every((line) => text.includes(`${line}\n`));
  });

  // A reload: another scheme, no page any more. One that cannot be read changes nothing.
  const again = (changes: object) =>
    writeConfig(folder, onPorts({ node, balancer: { ...balancer, ...changes } }, ports));
  again({ auth: [{ ...staff, file: 'missing' }], no_route: { status: 404 } });
  expect(await ask(`${api}/v1/agent/reload`, { method: 'PUT' })).toMatchObject({
    status: 500,
    text: expect.stringContaining("balancer.auth 'staff'"),
  });
  expect((await ask(`${proxy}/nowhere`)).status).toBe(410);
  again({ auth: [staff, { ...staff, name: 'team' }], no_route: { status: 404 } });
  process.kill(program.pid, 'SIGHUP');
  await until(
    'the new scheme',
    async () => (await ask(`${proxy}/team`, { headers: as('bob', 'secret') })).status === 200,
  );
  expect(await problems()).toEqual([]);
  await until('no page', async () => {
    const { status, text } = await ask(`${proxy}/nowhere`);
    return status === 404 && text.includes('no route leads');
  });
});
