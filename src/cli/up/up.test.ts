import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fromHere } from '../../lib/host-port.ts';
import { doorsOf, doorsText } from './doors.ts';
import { firstRequest } from './first-request.ts';
import { greeting, programName } from './greeting.ts';
import { linePrefixer } from './output.ts';

it.each([
  ['0.0.0.0:8500', '127.0.0.1:8500'],
  ['[::]:8500', '[::1]:8500'],
  [':9999', '127.0.0.1:9999'],
  ['10.0.0.1:80', '10.0.0.1:80'],
])('%s is reached from here at %s', (address, here) => {
  expect(fromHere(address)).toBe(here);
});

it('the balancer is told of as it is spoken to: HTTPS stood there as http', () => {
  const none = { http: [], dns: [], services: [], admin: [] };
  const doors = doorsOf({ ...none, balancer: ['http://0.0.0.0:80', 'https://0.0.0.0:443'] });
  expect(doorsText(doors)).toMatch(
    /Balancer +http:\/\/127\.0\.0\.1:80\n +Balancer +https:\/\/127\.0\.0\.1:443/,
  );
});

it('the greeting can be copied as it stands', () => {
  const doors = {
    http: '127.0.0.1:8501',
    dns: '127.0.0.1:8600',
    balancer: ['http://127.0.0.1:9999'],
    services: ['tcp://127.0.0.1:5000'],
    admin: '127.0.0.1:9998',
  };
  const text = greeting(doors, [{ service: 'web', instances: 2, route: '/web' }], {
    domain: 'consul',
    program: 'bin/muster',
  });
  expect(text).toContain('http://127.0.0.1:8501/ui\n');
  expect(text).toContain('  curl -s http://127.0.0.1:9999/web');
  expect(text).toContain('  dig @127.0.0.1 -p 8600 web.service.consul SRV\n');
  expect(text).toContain('  CONSUL_HTTP_ADDR=127.0.0.1:8501 bin/muster health web\n');
  expect(text).toContain('  Balancer   tcp://127.0.0.1:5000\n');
  const nothing = greeting({ ...doors, dns: undefined, balancer: [] }, [], {
    domain: 'consul',
    program: 'muster',
  });
  expect(nothing).not.toMatch(/Try|dig|curl/);
});

it.each([
  ['/src/muster/bin/muster', '/src/muster', 'bin/muster'],
  ['/usr/local/bin/muster', '/home/me', 'muster'],
  [undefined, '/home/me', 'muster'],
])('%s started in %s is called %s', (script, directory, name) => {
  expect(programName(script, directory)).toBe(name);
});

describe('lines of instances', () => {
  it('stand under each other, without colours unless asked for', () => {
    const line = linePrefixer(8, false);
    expect(line('hello-1', 'up') + line('hello-10', 'up')).toBe('hello-1  | up\nhello-10 | up\n');
  });

  it('keep the colour of their instance and end it', () => {
    const line = linePrefixer(3, true);
    const first = line('a-1', 'x');
    expect(line('a-2', 'x').slice(0, 5)).not.toBe(first.slice(0, 5));
    expect(line('a-1', 'y').slice(0, 5)).toBe(first.slice(0, 5));
    expect(first.endsWith('\u001b[0m\n')).toBe(true);
  });
});

describe('the first request', () => {
  it('shows what came back, without what would confuse a terminal', async () => {
    const server = http.createServer((_, response) => response.end(`\u001b[2Jhello\n${'x'.repeat(500)}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const answer = await firstRequest(url, new AbortController().signal);
    expect(answer).toMatchObject({ status: 200, bytes: 510 });
    expect((answer as { shown: string }).shown).toMatch(/^ \[2Jhello x+…$/);
    await new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    expect(await firstRequest(url, new AbortController().signal)).toMatch(/ECONNREFUSED/);
  });
});
