import { describe, expect, it } from 'vitest';
import type { Target, TargetTls } from '../../balance/balancer.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import {
  api,
  authority,
  backend,
  Client,
  GET,
  named,
  proxy,
  stranger,
  web,
} from './listener.test-support.ts';

describe('instances over TLS', () => {
  const toSelf: TargetTls = { verify: true, serverName: 'api.test', ca: authority.cert };
  const at = (port: number, tls: TargetTls, slot = 0) => ({ ...targetAt(port, slot), tls });

  it('are verified, and their connections used again', async () => {
    let connections = 0;
    const port = await backend((socket) => {
      connections++;
      named('a')(socket);
    }, api);
    const client = new Client(await proxy([at(port, toSelf)]));
    await client.send(GET).until(/\r\n\r\na$/);
    await client.send(GET).until(/\r\n\r\na.*\r\n\r\na$/s);
    expect(connections).toBe(1);
  });

  it('are held against their address when no name is given', async () => {
    const port = await backend(named('a'), web);
    await new Client(await proxy([at(port, { verify: true, ca: authority.cert })])).send(GET).until(/a$/);
  });

  it('are passed over when they are not who they should be', async () => {
    const events: string[] = [];
    const outcomes = {
      connectFailed: (target: Target, why: string) => events.push(`${target.id}: ${why}`),
      cut() {},
      answered() {},
      erred() {},
    };
    const good = await backend(named('good'), api);
    const wrongName = await backend(named('bad'), web);
    const wrongIssuer = await backend(named('bad'), stranger.issue({ names: ['api.test'] }));
    const expired = await backend(named('bad'), authority.issue({ names: ['api.test'], days: -1 }));
    const plain = await backend((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const ports = [wrongName, wrongIssuer, expired, plain, good];
    const given = await proxy(
      ports.map((port, i) => at(port, toSelf, i)),
      {},
      { outcomes },
    );
    await new Client(given).send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n').until(/good$/);
    expect(events).toHaveLength(4);
    for (const event of events) expect(event).toMatch(/^t[0-3]: no TLS connection: ./);
    const alone = await proxy([at(wrongName, toSelf)]);
    expect(await new Client(alone).send(GET).until(/\n$/)).toMatch(
      /^HTTP\/1.1 500 .*certificates are not trusted/s,
    );
  });

  it('may be anybody when verification is off, but no such session is used where it is on', async () => {
    const port = await backend(named('a'), stranger.issue({ names: ['api.test'] }));
    const loose = { ...toSelf, verify: false };
    const given = await proxy([at(port, loose)]);
    const close = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    for (let i = 0; i < 3; i++) await new Client(given).send(close).until(/a$/);
    given.server.setRoutes(routeTo([at(port, toSelf)]));
    await new Client(given).send(GET).until(/500/);
  });

  it('get our certificate when they ask for one', async () => {
    const client = authority.issue({ names: ['balancer'] });
    const port = await backend(named('a'), { ...api, ca: authority.cert });
    await new Client(await proxy([at(port, { ...toSelf, ...client })])).send(GET).until(/a$/);
    await new Client(await proxy([at(port, toSelf)])).send(GET).until(/502/);
  });
});
