import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { soon } from '../../lib/soon.test-support.ts';
import { completeLimits } from '../limits.ts';
import { latin1 } from './bytes.ts';
import { ExchangeLog } from './exchange-log.ts';
import { createMemory, OUT, READ } from './memory.ts';
import { RequestHead } from './request-head.ts';

it.each([
  [[], false, 'http'],
  [[], true, 'https'],
  [['Connection: Upgrade', 'Upgrade: websocket'], false, 'ws'],
  [['Connection: Upgrade', 'Upgrade: WebSocket'], true, 'wss'],
  // As a proxy in front of us tells it, where it tells it in one way.
  [['X-Forwarded-Proto: https'], false, 'https'],
  [['Forwarded: for=1.2.3.4;proto=https'], false, 'https'],
  [['Forwarded: for=1.2.3.4;proto=http', 'X-Forwarded-Proto: https'], false, 'http'],
  [['X-Forwarded-Proto: a line of its own'], false, 'http'],
])('with %j, over TLS: %s, the log says that the request came by %s', async (lines, isSecure, scheme) => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-access-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const target = join(folder, 'access.log');
  const log = new ExchangeLog({ format: '$request_scheme $request_url', target }, (why) => {
    throw new Error(why);
  });
  const memory = createMemory();
  const head = new RequestHead();
  const bytes = latin1(`${['GET /a?b HTTP/1.1', 'Host: h.test', ...lines].join('\r\n')}\r\n\r\n`);
  memory.set(bytes, READ);
  head.scan(memory, READ, READ + bytes.length, completeLimits());
  log.end(log.begin(memory, head), '127.0.0.1', 1, isSecure);
  log.close();
  await soon(() => expect(readFileSync(target, 'utf8')).toBe(`${scheme} ${scheme}://h.test/a?b\n`));
});

it.each([
  ['http://h.test', '/'],
  ['http://h.test?a', '/?a'],
  ['http://h.test/b?a', '/b?a'],
  ['*', '*'],
])('tells of the target %s as %s', async (asked, told) => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-access-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const target = join(folder, 'access.log');
  const log = new ExchangeLog({ format: '$request_uri', target }, (why) => {
    throw new Error(why);
  });
  const memory = createMemory();
  const head = new RequestHead();
  const bytes = latin1(`OPTIONS ${asked} HTTP/1.1\r\nHost: h.test\r\n\r\n`);
  memory.set(bytes, READ);
  head.scan(memory, READ, READ + bytes.length, completeLimits());
  log.end(log.begin(memory, head), '127.0.0.1', 1, false);
  log.close();
  await soon(() => expect(readFileSync(target, 'utf8')).toBe(`${told}\n`));
});

it('tells the fields that an instance was sent, and of the client who it said it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-access-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const target = join(folder, 'access.log');
  const names = ['X-Request-Id', 'X-Real-Ip', 'X-Forwarded-For', 'Host', 'X-Own', 'X-Gone'];
  const format = names.map((name) => `$header.${name}`).join('|');
  const log = new ExchangeLog({ format, target }, (why) => {
    throw new Error(why);
  });
  const memory = createMemory();
  const head = new RequestHead();
  const asked = 'GET / HTTP/1.1\r\nHost: h.test\r\nX-Own: 1\r\nX-Forwarded-For: 9.9.9.9\r\nX-Gone: 2\r\n\r\n';
  memory.set(latin1(asked), READ);
  head.scan(memory, READ, READ + asked.length, completeLimits());
  const exchange = log.begin(memory, head);
  const sent =
    'GET / HTTP/1.1\r\nHost: in.test\r\nX-Own: 1\r\nx-request-id: abc\r\nX-Forwarded-For: 9.9.9.9, 10.0.0.1\r\nX-Real-Ip: 10.0.0.1\r\n\r\nX-Gone: 3\r\n';
  memory.set(latin1(sent), OUT);
  log.composed(exchange, memory, OUT, undefined);
  log.end(exchange, '10.0.0.1', 1, false);
  log.close();
  await soon(() => expect(readFileSync(target, 'utf8')).toBe('abc|10.0.0.1|9.9.9.9|h.test|1|\n'));
});

it('says which file cannot be written, and why', async () => {
  const target = join(tmpdir(), 'muster-nowhere', 'access.log');
  const memory = createMemory();
  const head = new RequestHead();
  const bytes = latin1('GET / HTTP/1.1\r\nHost: h.test\r\n\r\n');
  memory.set(bytes, READ);
  head.scan(memory, READ, READ + bytes.length, completeLimits());
  const why = await new Promise((resolve) => {
    const log = new ExchangeLog({ format: 'common', target }, resolve);
    log.end(log.begin(memory, head), '127.0.0.1', 1, false);
    log.close();
  });
  expect(why).toBe(`lines are lost (1): ${target} cannot be written: there is no such file or directory`);
});
