import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { soon } from '../../lib/soon.test-support.ts';
import { completeLimits } from '../limits.ts';
import { latin1 } from './bytes.ts';
import { ExchangeLog } from './exchange-log.ts';
import { createMemory, READ } from './memory.ts';
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
  expect(why).toBe(`lines are lost: ${target} cannot be written: there is no such file or directory`);
});
