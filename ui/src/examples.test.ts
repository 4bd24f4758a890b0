import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import {
  eventExample,
  isBare,
  keyExample,
  lookupExample,
  registerExample,
  requestExample,
  routeExample,
} from './examples.ts';

const ABOUT = {
  node: 'n1',
  datacenter: 'dc1',
  version: '0',
  startedAt: 0,
  api: '127.0.0.1:8500',
  dns: '[::1]:8600',
  balancer: ['127.0.0.1:9999'],
  carriage: '',
  domain: 'consul',
  acl: false,
};

/** What a shell makes of the `-d` of a command. */
function bodyOf(command: string): unknown {
  const curl = 'curl() { while [ "$1" != -d ]; do shift; done; printf %s "$2"; }';
  const register = command.slice(command.indexOf('curl'));
  return JSON.parse(execFileSync('sh', ['-c', `${curl}\n${register}`], { encoding: 'utf8' }));
}

it('commands take the token of the shell where access is controlled', () => {
  for (const command of [registerExample, keyExample, eventExample])
    expect(
      [command(ABOUT), command({ ...ABOUT, acl: true })].map((text) => text.includes('X-Consul-Token')),
    ).toEqual([false, true]);
});

it('a screen is empty when there is nothing but the servers themselves', () => {
  const services = (...names: string[]) =>
    ({ services: new Map(names.map((name) => [name, { name }])) }) as Parameters<typeof isBare>[0];
  expect([services(), services('consul'), services('consul', 'web')].map(isBare)).toEqual([
    true,
    true,
    false,
  ]);
});

it('the command of an empty screen registers a service with a route and a check', () => {
  expect(bodyOf(registerExample(ABOUT))).toEqual({
    Name: 'web',
    ID: 'web-1',
    Address: '127.0.0.1',
    Port: 8080,
    Tags: ['urlprefix-/'],
    Check: { HTTP: 'http://127.0.0.1:8080/', Interval: '1s' },
  });
});

it('a name from the address bar stays a name in the shell', () => {
  const name = `it's $(touch /tmp/x) "quoted"`;
  expect(bodyOf(routeExample(ABOUT, name))).toMatchObject({ Name: name });
});

it('requests and look-ups use the addresses of this agent', () => {
  expect(requestExample(ABOUT, '/a')).toBe('curl http://127.0.0.1:9999/a');
  expect(requestExample(ABOUT, '/', 'shop.example.com')).toBe(
    "curl -H 'Host: shop.example.com' http://127.0.0.1:9999/",
  );
  expect(requestExample(ABOUT, '/$(id)')).toBe("curl 'http://127.0.0.1:9999/$(id)'");
  expect(lookupExample(ABOUT, "a';id")).toContain(" 'a'\\'';id.service.consul' SRV");
  expect(lookupExample(ABOUT, 'web')).toBe('dig @::1 -p 8600 web.service.consul SRV');
});
