import { expect, it } from 'vitest';
import { faultsOf } from './read.test-support.ts';

const faults = (group: string): string[] => faultsOf(`[[group]]\nname = "lb"\ncommand = ["lb"]\n${group}`);

it.each([
  'listen = { http = "127.0.0.1:$PORT" }',
  'listen = { http = "127.0.8.$MUSTER_NUMBER:8080", "metrics" = "127.0.8.$MUSTER_NUMBER:9090" }',
  'listen = { http = "[::1]:808$MUSTER_NUMBER" }\nreplicas = 9',
  'ports = ["a", "b-c"]\nlisten = { x = "127.0.0.1:$PORT_B_C" }',
  'listen = { http = ":80" }\nupdate = { max_surge = 0, max_unavailable = 1 }',
  'listen = { http = ":80" }\nreplicas = 5\nplacement = {}',
])('%s', (group) => {
  expect(faults(group)).toEqual([]);
});

it.each([
  ['listen = { http = "8080" }', 'expected an address of IP with a port'],
  ['listen = { http = "127.0.0.1:0" }', 'expected an address of IP with a port'],
  ['listen = { http = "example.org:80" }', 'expected an address of IP with a port'],
  ['listen = { http = "127.0.0.1:$PORTS" }', 'expected an address of IP with a port'],
  ['listen = { "a:b" = "127.0.0.1:$PORT" }', 'expected a name'],
  ['listen = { http = "127.0.0.1:80" }', 'two instances cannot have the same address'],
  ['listen = { a = "127.0.0.1:$PORT", b = "127.0.0.1:$PORT" }', 'expected another address than that of `a`'],
  ['listen = { http = "127.0.0.1:$PORT" }\nenv = { "a.b" = "c" }', 'passes no other names on'],
  [
    'listen = { http = "127.0.0.1:$PORT" }\ndriver = "docker"\ncontainer = { image = "i" }',
    'expected only with driver `process`',
  ],
])('%s is refused', (group, why) => {
  expect(faults(group).join('\n')).toContain(why);
});
