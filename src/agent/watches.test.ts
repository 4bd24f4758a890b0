import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, until } from '../../scripts/support/processes.mjs';
import { Client } from '../client/client.ts';
import { ManualClock, systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { type Agent, startAgent } from './agent.ts';
import { parseConfigText, readConfig } from './config/read.ts';
import { openAgentLog } from './log.ts';
import { startWatches, type Watches, type WatchesParts } from './watches.ts';

/** Over a real agent's API, with real commands and a real web server that is told. */
let agent: Agent;
let client: Client;
let folder: string;
let watches: Watches | undefined;
let hook: Server;
const heard: { method: string; index: string; extra: string; body: unknown }[] = [];
/** What the web server answers with next; 200 otherwise. */
let refusals = 0;
let lines: string[];

beforeAll(async () => {
  const text = '[node]\ndev = true\n[ports]\nhttp = 0\ndns = -1\n[balancer]\nenabled = false\n';
  agent = await startAgent(readConfig([parseConfigText('w.toml', text)]), {
    log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }),
  });
  client = new Client({ address: agent.addresses.http[0] ?? '' });
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { 'x-consul-index': index, 'x-extra': extra } = request.headers;
      heard.push({
        method: request.method ?? '',
        index: `${index}`,
        extra: `${extra}`,
        body: JSON.parse(body),
      });
      response.statusCode = refusals-- > 0 ? 500 : 200;
      response.end('said');
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  hook.close();
  await agent.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-watches-'));
  heard.length = 0;
  refusals = 0;
  lines = [];
});
afterEach(async () => {
  await watches?.stop();
  watches = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const configsOf = (file: string, text: string) => readConfig([parseConfigText(file, text)]).watch;
const start = (file: string, text: string, other: Partial<WatchesParts> = {}): Watches => {
  watches = startWatches(configsOf(file, text), {
    address: agent.addresses.http[0] ?? '',
    env: process.env,
    clock: systemClock,
    random: Math.random,
    log: createLogger({ level: 'trace', sink: ({ level, message }) => lines.push(`${level} ${message}`) }),
    ...other,
  });
  return watches;
};
const told = (): { index: number; view: unknown }[] => {
  try {
    const written = readFileSync(join(folder, 'told'), 'utf8').split('\n').slice(0, -1);
    return written.map((line) => ({
      index: Number.parseInt(line, 10),
      view: JSON.parse(line.slice(line.indexOf(' ') + 1)),
    }));
  } catch {
    return [];
  }
};
/** A command that writes down its index and its view. */
const writesDown = () => `view=$(cat); echo $CONSUL_INDEX $view >> ${folder}/told`;
const textOf = (view: unknown) => Buffer.from((view as { Value: string }).Value, 'base64').toString();

describe('watches', () => {
  it('tell a command of what there is and of each change, by a shell or without', async () => {
    start('consul.json', JSON.stringify({ watches: [{ type: 'key', key: 'a', handler: writesDown() }] }));
    await until('nothing to be told', () => told().length === 1);
    expect(told()[0]?.view).toBe(null);
    await client.kv.put('a', 'one');
    await until('the key', () => told().length === 2);
    await client.kv.put('a', 'two');
    await until('its change', () => told().length === 3);
    expect(
      told()
        .slice(1)
        .map(({ view }) => textOf(view)),
    ).toEqual(['one', 'two']);
    expect(told()[2]!.index).toBeGreaterThan(told()[1]!.index);
  });

  it('tell a web hook, and go on when it refuses', async () => {
    refusals = 1;
    const { port } = hook.address() as AddressInfo;
    start(
      'consul.hcl',
      `watches = [{
        type = "service"
        service = "web"
        handler_type = "http"
        http_handler_config { path = "http://127.0.0.1:${port}/told" method = "PUT" header { X-Extra = ["a", "b"] } timeout = "5s" }
      }]`,
    );
    await until('the first view', () => heard.length === 1);
    await until('the refusal', () => lines.length === 1);
    expect(lines[0]).toMatch(/^warn the watch of service web: http:\/\/.* answered 500: said$/);
    await client.catalog.register({ Node: 'n', Address: '127.0.0.9', Service: { Service: 'web', Port: 1 } });
    await until('the instance', () => heard.length === 2);
    expect(heard[1]).toMatchObject({ method: 'PUT', extra: 'a, b', body: [{ Service: { Port: 1 } }] });
    expect(Number(heard[1]?.index)).toBeGreaterThan(0);
  });

  it('say why a web hook cannot be reached', async () => {
    const [port] = await freePorts(1);
    start('w.toml', `[[watch]]\ntype = "nodes"\nhttp = { url = "http://127.0.0.1:${port}/" }\n`);
    await until('the complaint', () => lines.length === 1);
    expect(lines[0]).toMatch(/^warn the watch of nodes: http:\/\/.*\/: connect ECONNREFUSED/);
  });

  it('that are refused what they ask for ask again: their token may be made later', async () => {
    let isRefused = true;
    const registry = createServer((_, response) => {
      response.statusCode = isRefused ? 403 : 200;
      response.setHeader('X-Consul-Index', 7);
      response.end(isRefused ? 'ACL not found' : '[]');
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as AddressInfo;
    const clock = new ManualClock();
    start('w.toml', `[[watch]]\ntype = "nodes"\ncommand = "${writesDown()}"\n`, {
      address: `127.0.0.1:${port}`,
      clock,
    });
    await until('the refusal', () => lines.length === 1);
    expect(lines[0]).toMatch(/^warn the watch of nodes: .*403: ACL not found.* again in 10 s\.$/);
    isRefused = false;
    await until('the view', () => {
      clock.advance(10_000);
      return told().length === 1;
    });
    await watches?.stop();
    registry.close();
    registry.closeAllConnections();
  });

  it('say what a command that fails wrote, and one that goes on for ever ends with them', async () => {
    start(
      'w.toml',
      `[[watch]]
      type = "nodes"
      command = "echo out of paper; exit 3"
      [[watch]]
      type = "services"
      command = ["sleep", "1000"]`,
    );
    await until('the complaint', () => lines.length === 1);
    expect(lines[0]).toBe('warn the watch of nodes: the command ended with 3: out of paper');
    await watches?.stop();
    expect(lines).toHaveLength(1);
  });

  it('that stay the same over a reload are not told anew; others begin and end', async () => {
    await client.kv.put('kept', 'x');
    await client.kv.put('new', 'y');
    const kept = `[[watch]]\ntype = "key"\nkey = "kept"\ncommand = "${writesDown()}"\n`;
    const gone = `[[watch]]\ntype = "key"\nkey = "gone"\ncommand = "sleep 1000"\n`;
    const fresh = `[[watch]]\ntype = "key"\nkey = "new"\ncommand = "${writesDown()}"\n`;
    const running = start('w.toml', kept + gone);
    await until('the first', () => told().length === 1);
    running.reload(configsOf('w.toml', fresh + kept));
    await until('the new one', () => told().length === 2);
    expect(told().map(({ view }) => textOf(view))).toEqual(['x', 'y']);
    await client.kv.put('kept', 'z');
    await until('the kept one', () => told().length === 3);
    expect(textOf(told()[2]?.view)).toBe('z');
  });

  it('of several tags ask for instances that have all of them', () => {
    const watches = [{ type: 'service', service: 'web', tag: ['blue', 'v2'], handler: 'true' }];
    expect(configsOf('consul.json', JSON.stringify({ watches }))).toMatchObject([{ tag: ['blue', 'v2'] }]);
    const text = '[[watch]]\ntype = "service"\nservice = "web"\ntag = "blue"\ncommand = "true"\n';
    expect(configsOf('w.toml', text)).toMatchObject([{ tag: ['blue'] }]);
  });

  it.each([
    ['type = "key"\ncommand = "true"', /watch\[0\]\.key: is needed to watch a key/],
    ['type = "nodes"', /watch\[0\]\.command: give one of command and http/],
    ['type = "keys"\ncommand = "true"', /watch\[0\]\.type/],
    ['type = "nodes"\nhttp = { url = "ftp://x" }', /watch\[0\]\.http\.url: expected a URL/],
  ])('that lack something are refused with their place: %s', (text, message) => {
    expect(() => configsOf('w.toml', `[[watch]]\n${text}\n`)).toThrow(message);
  });
});
