import { createSocket } from 'node:dgram';
import * as oracle from 'dns-packet';
import { afterEach, expect, test } from 'vitest';
import { type Authorizer, compile } from '../acl/authorizer.ts';
import { parseRules } from '../acl/rules.ts';
import { encodeQuery } from '../lib/dns/message.ts';
import { TYPE } from '../lib/dns/numbers.ts';
import { startWorld, type World } from './world.test-support.ts';

let world: World;
afterEach(() => world.stop());

/** "NXDOMAIN", or how many answers there are. */
function ask(name: string, type: keyof typeof TYPE): Promise<string | number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.once('message', (bytes) => {
      socket.close();
      const answer = oracle.decode(bytes);
      resolve(answer.rcode === 'NOERROR' ? (answer.answers ?? []).length : answer.rcode);
    });
    socket.send(encodeQuery(name.split('.'), { id: 1, type: TYPE[type] }), world.port, '127.0.0.1');
  });
}

test('answers show what the own token may see, from the moment its rights change', async () => {
  const rules = (text: string): Authorizer => compile(parseRules(text), 'deny');
  let authorizer: Authorizer | undefined = rules('');
  world = await startWorld({ access: { authorizer: () => authorizer } });
  await world.node('n1', '10.0.0.1');
  await world.node('n2', '10.0.0.2');
  await world.service('n1', '10.0.0.1', { name: 'web', address: '10.9.0.1' });
  await world.service('n2', '10.0.0.2', { name: 'web', address: '10.9.0.2' });
  const all = () =>
    Promise.all([
      ask('web.service.consul', 'A'),
      ask('web.service.consul', 'SRV'),
      ask('n1.node.consul', 'A'),
      ask('1.0.0.10.in-addr.arpa', 'PTR'),
      ask('1.0.9.10.in-addr.arpa', 'PTR'),
    ]);
  expect(await all()).toEqual(['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN', 'SERVFAIL', 'SERVFAIL']);
  authorizer = rules('service_prefix "" { policy = "read" }');
  expect(await all()).toEqual(['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN', 'SERVFAIL', 1]);
  authorizer = rules('service_prefix "" { policy = "read" } node "n1" { policy = "read" }');
  expect(await all()).toEqual([1, 1, 1, 1, 1]);
  authorizer = rules('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }');
  expect(await all()).toEqual([2, 2, 1, 1, 1]);
  authorizer = undefined;
  expect(await all()).toEqual(['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN', 'SERVFAIL', 'SERVFAIL']);
});
