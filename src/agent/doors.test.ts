import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../client/client.ts';
import { soon } from '../lib/soon.test-support.ts';
import { Authority } from '../proxy/tls/fixtures.ts';
import { type Agent, startAgent } from './agent.ts';
import { parseConfigText, readConfig } from './config/read.ts';
import { openAgentLog } from './log.ts';

/** The doors of the HTTP API besides the one of TCP in clear text, opened by Consul's configuration. */
let folder: string;
let agent: Agent | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-doors-'));
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const start = async (config: object) => {
  const text = JSON.stringify({
    node_name: 'n1',
    server: true,
    bootstrap: true,
    data_dir: folder,
    ...config,
  });
  agent = await startAgent(readConfig([parseConfigText('consul.json', text), NO_BALANCER]), {
    log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }),
  });
  return agent.addresses.http;
};
const nodeAt = async (client: Client) => (await client.agent.self()).Config.NodeName;
/** Its workers run from the built program. */
const NO_BALANCER = parseConfigText('muster.toml', '[balancer]\nenabled = false\n');
const OTHERS = { dns: -1, server: 0 };

describe('a Unix socket', () => {
  const at = (path: string, more: object = {}) => ({
    ports: { http: 0, ...OTHERS },
    addresses: { http: `unix://${path}` },
    ...more,
  });

  it('answers the client, is as open as asked for, and is gone with the agent', async () => {
    const path = join(folder, 'api.sock');
    const addresses = await start(at(path, { unix_sockets: { mode: '0620', user: '0', group: 'root' } }));
    expect(addresses).toEqual([`unix://${path}`]);
    expect(statSync(path).mode & 0o777).toBe(0o620);
    const client = new Client({ address: `unix://${path}` });
    expect(client.address).toBe(`unix://${path}`);
    expect(await nodeAt(client)).toBe('n1');
    await client.kv.put('a', 'over a socket');
    expect(await client.kv.text('a')).toBe('over a socket');
    const watch = client.kv.watch('a');
    const views: (string | undefined)[] = [];
    for await (const pair of watch) {
      views.push(pair === undefined ? undefined : Buffer.from(pair.Value).toString());
      if (views.length === 2) break;
      await client.kv.put('a', 'again');
    }
    expect(views).toEqual(['over a socket', 'again']);
    await agent?.stop();
    expect(existsSync(path)).toBe(false);
    await expect(nodeAt(client)).rejects.toThrow(`no agent answers at unix://${path}`);
  });

  it('of an agent that was killed is taken over, one of a living program is not', async () => {
    const path = join(folder, 'api.sock');
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(path, resolve));
    try {
      await expect(start(at(path))).rejects.toMatchObject({ code: 'listen.in_use' });
    } finally {
      // Without taking its file away, as a killed program does.
      (holder as unknown as { _handle: { unlink?: unknown } })._handle.unlink = undefined;
      await new Promise((resolve) => holder.close(resolve));
    }
    writeFileSync(join(folder, 'file'), 'kept');
    await expect(start(at(join(folder, 'file')))).rejects.toMatchObject({ code: 'listen.failed' });
    await expect(start(at(path, { unix_sockets: { user: 'nobody-of-this-name' } }))).rejects.toMatchObject({
      code: 'config.invalid',
    });
  });
});

describe('HTTPS', () => {
  const authority = new Authority();
  const clients = new Authority('Clients');
  afterAll(() => {
    authority.remove();
    clients.remove();
  });

  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  /** Keys of Consul's configuration for an agent that speaks TLS only. */
  const secure = (more: object = {}) => {
    const { cert, key } = authority.issue({ names: ['agent.test', '127.0.0.1'] });
    return {
      ports: { http: -1, https: 0, ...OTHERS },
      cert_file: file('agent.pem', cert),
      key_file: file('agent-key.pem', key),
      ...more,
    };
  };

  it('alone, without a door in clear text, is trusted by who knows its authority', async () => {
    const [address = ''] = await start(secure());
    expect(address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const caFile = file('ca.pem', authority.cert);
    expect(await nodeAt(new Client({ address, caFile }))).toBe('n1');
    expect(await nodeAt(new Client({ address, verifyTls: false }))).toBe('n1');
    expect(await nodeAt(new Client({ address, caFile, tlsServerName: 'agent.test' }))).toBe('n1');
    await expect(nodeAt(new Client({ address, caFile, tlsServerName: 'other.test' }))).rejects.toThrow(
      /other\.test/,
    );
    await expect(nodeAt(new Client({ address }))).rejects.toThrow(/CONSUL_CACERT/);
  });

  it('asks clients for a certificate where that is required', async () => {
    const ca_file = file('clients.pem', clients.cert);
    const [address = ''] = await start(secure({ ca_file, verify_incoming: true }));
    const caFile = file('ca.pem', authority.cert);
    const { cert, key } = clients.issue({ names: ['somebody'] });
    const own = { certFile: file('me.pem', cert), keyFile: file('me-key.pem', key) };
    expect(await nodeAt(new Client({ address, caFile, ...own }))).toBe('n1');
    await expect(nodeAt(new Client({ address, caFile }))).rejects.toMatchObject({
      code: 'client.unreachable',
    });
    const stranger = authority.issue({ names: ['stranger'] });
    const wrong = { certFile: file('x.pem', stranger.cert), keyFile: file('x-key.pem', stranger.key) };
    await expect(nodeAt(new Client({ address, caFile, ...wrong }))).rejects.toMatchObject({
      code: 'client.unreachable',
    });
    expect(() => new Client({ address, certFile: own.certFile })).toThrow(/give both/);
    expect(() => new Client({ address, caFile: join(folder, 'nowhere') })).toThrow(/cannot be read/);
  });

  const head = (line: string, length = 0) =>
    `${line} HTTP/1.1\r\nHost: agent.test\r\nContent-Length: ${length}\r\n\r\n`;
  const LEADER = head('GET /v1/status/leader');
  /** A connection on which `text` is sent in one piece: when its first request is answered, the next has been read too. */
  const talk = (address: string, text: string) => {
    const { hostname: host, port } = new URL(address);
    const socket = connect({ host, port: Number(port), ca: authority.cert });
    const seen = { socket, text: '' };
    socket.on('data', (bytes) => {
      seen.text += bytes;
    });
    socket.write(text);
    return seen;
  };

  // It waited for its clients to leave before it told them that it ends.
  it('ends with the agent, though one connection is idle and a read on another waits for a change', async () => {
    const [address = ''] = await start(secure());
    const idle = talk(address, LEADER);
    const waiting = talk(address, `${LEADER}${head('GET /v1/kv/x?index=1000000&wait=10m')}`);
    for (const one of [idle, waiting]) await soon(() => expect(one.text).toMatch(/^HTTP\/1\.1 200 /));
    const closed = [idle, waiting].map(({ socket }) => once(socket, 'close'));
    await agent?.stop();
    await Promise.all(closed);
    expect(waiting.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  it('waits for requests under way, when another process takes over', async () => {
    const [address = ''] = await start(secure());
    const writer = talk(address, `${LEADER}${head('PUT /v1/kv/x', 5)}wh`);
    const reader = talk(address, LEADER);
    for (const one of [writer, reader]) await soon(() => expect(one.text).toMatch(/^HTTP\/1\.1 200 /));
    let isOver = false;
    const left = agent?.drain(true).then(() => {
      isOver = true;
    });
    const closed = once(reader.socket, 'close');
    reader.socket.write(LEADER);
    await closed;
    expect(reader.text).toMatch(/HTTP\/1\.1 503 [\s\S]*connection: close/i);
    expect(isOver).toBe(false);
    writer.socket.write('ole');
    await soon(() => expect(writer.text).toMatch(/true$/));
    await left;
  });

  it('listens where addresses.https says', async () => {
    const addresses = await start(secure({ addresses: { https: '127.0.0.2' } }));
    expect(addresses[0]).toMatch(/^https:\/\/127\.0\.0\.2:/);
  });
});
