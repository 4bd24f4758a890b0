import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, type Running, runs, until } from '../scripts/support/processes.mjs';
import { registrationOf, startBackend } from './support/backend.ts';
import { srvPorts } from './support/dns.ts';
import { replace, served } from './support/handover.ts';
import { ask, getJson, indexOf, put } from './support/http.ts';
import { failures, Load, oneByOne } from './support/load.ts';
import {
  musterProcess,
  onPorts,
  pickPorts,
  serves,
  testFolder,
  testMuster,
  writeConfig,
} from './support/muster.ts';
import { says } from './support/talk.ts';

async function ok(url: string): Promise<void> {
  const { status, text } = await ask(url);
  if (status !== 200) throw new Error(`${status} ${text}`);
}

/** Skips the test where io_uring was asked for and is not to be had. */
async function untilBalancing(program: Running, skip: TestContext['skip']): Promise<void> {
  const isOver = () => program.output().includes('balancing') || !program.running();
  await until('the balancer', isOver);
  // What it said before its end is read behind that.
  if (!program.running()) await program.silent;
  skip(!program.running() && /MUSTER_TRANSPORT=uring, but/.test(program.output()), 'io_uring is not here');
  expect(program.running(), program.output()).toBe(true);
}

describe.each(['uring', 'net'])('a balancer that another process takes over from, on %s', (transport) => {
  const env = { MUSTER_TRANSPORT: transport };

  it('loses no request of any kind', async ({ skip }) => {
    const folder = testFolder();
    const [a, b] = [await startBackend('a'), await startBackend('b')];
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${cert}`.split(
        ' ',
      ),
      { stdio: 'ignore' },
    );
    const [plain = 0, secure = 0] = await freePorts(2);
    const program = musterProcess(
      [
        ...['lb', '-listen', `127.0.0.1:${plain}`, '-listen-tls', `127.0.0.1:${secure}`],
        ...['-tls-cert', cert, '-tls-key', key, '-workers', '2'],
        ...['-upstream', `127.0.0.1:${a.port},127.0.0.1:${b.port}`, '-timeout-drain', '60s'],
      ],
      env,
    );
    await untilBalancing(program, skip);
    const [url, secureUrl] = [`http://127.0.0.1:${plain}`, `https://127.0.0.1:${secure}`];
    const load = Load.begin(`${url}/`, 100);
    const fresh = oneByOne(() => ok(`${url}/`));
    const overTls = oneByOne(
      () =>
        new Promise<void>((resolve, reject) => {
          const options = { rejectUnauthorized: false, agent: false as const };
          const request = https.get(secureUrl, options, (response) => {
            response.resume().on('end', resolve).on('error', reject);
          });
          request.on('error', reject);
        }),
    );
    for (let round = 0; round < 3; round++) {
      const before = a.slow() + b.slow();
      const slow = ask(`${url}/slow?ms=1000`);
      await until('it to be under way', () => a.slow() + b.slow() > before);
      await replace(program);
      expect((await slow).status).toBe(200);
    }
    const pids = served(program);
    expect(pids).toHaveLength(4);
    // Those in the middle have ended; the first stands for the last.
    await until('the second to have ended', () => !runs(pids[1] as number));
    await until('more load', () => load.samples.length > 100);
    expect(failures(await load.end())).toEqual([]);
    for (const going of [fresh, overTls]) {
      await until('some more', () => going.done() > 10);
      expect((await going.end()).failed).toEqual([]);
    }
    expect(program.running()).toBe(true);
    // Not `stop`, which ends what it started besides.
    process.kill(program.pid, 'SIGTERM');
    expect((await program.exited).code).toBe(0);
    await until('the last one to have ended', () => !runs(pids.at(-1) as number));
  });

  it('lets a tunnel go on, and takes the last of an idle connection', async ({ skip }) => {
    const backend = http.createServer((_, response) => response.end('x'));
    backend.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.on('data', (data) => socket.write(data));
      socket.on('error', () => {});
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    onTestFinished(() => {
      backend.closeAllConnections();
      backend.close();
    });
    const [port = 0] = await freePorts(1);
    const upstream = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
    const program = musterProcess(['lb', '-listen', `127.0.0.1:${port}`, '-upstream', upstream], env);
    await untilBalancing(program, skip);
    const client = () => {
      const socket = connect(port, '127.0.0.1');
      socket.setEncoding('latin1');
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      return socket;
    };
    const [tunnel, idle] = [client(), client()];
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await says(tunnel, upgrade, /\r\n\r\n$/)).toMatch(/^HTTP\/1.1 101/);
    const asks = () => says(idle, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /\r\n\r\nx$/);
    expect(await asks()).not.toMatch(/connection: close/i);
    await replace(program);
    expect(await says(tunnel, 'still there?', /\?$/)).toBe('still there?');
    // The old process says that the other serves before each of its workers knows: an answer may still keep the connection.
    await until('the last answer on it', async () => /connection: close/i.test(await asks()));
    await until('its end', () => idle.destroyed);
  });
});

describe.each(['uring', 'net'])(
  'a balancer of connections and datagrams that another process takes over from, on %s',
  (transport) => {
    it('keeps connections, loses none and no datagram', async ({ skip }) => {
      const echo = createServer((socket) => {
        socket.on('error', () => {});
        socket.pipe(socket);
      }).listen(0, '127.0.0.1');
      await once(echo, 'listening');
      const { port: tcpPort } = echo.address() as AddressInfo;
      const udp = createSocket('udp4').bind(0, '127.0.0.1');
      await once(udp, 'listening');
      udp.on('message', (data, { port, address }) => udp.send(data, port, address));
      onTestFinished(() => {
        echo.close();
        udp.close();
      });
      const [tcpAt = 0, udpAt = 0] = await freePorts(2);
      const file = join(testFolder(), 'gobetween.json');
      const server = (protocol: string, bind: number, to: number) => ({
        protocol,
        bind: `127.0.0.1:${bind}`,
        discovery: { kind: 'static', static_list: [`127.0.0.1:${to}`] },
        client_idle_timeout: '60s',
      });
      const config = {
        servers: { t: server('tcp', tcpAt, tcpPort), u: server('udp', udpAt, udp.address().port) },
      };
      writeFileSync(file, JSON.stringify(config));
      const words = ['lb', '-c', file, '-format', 'json', '-timeout-drain', '60s'];
      const program = musterProcess(words, { MUSTER_TRANSPORT: transport });
      await untilBalancing(program, skip);

      const open = () => {
        const socket = connect(tcpAt, '127.0.0.1');
        socket.on('error', () => {});
        onTestFinished(() => void socket.destroy());
        return socket;
      };
      const held = open();
      expect(await says(held, 'before', /e$/)).toBe('before');
      const tcp = oneByOne(async () => {
        const socket = open();
        await says(socket, 'x', /^x$/);
        socket.destroy();
      });
      const asker = createSocket('udp4');
      asker.connect(udpAt, '127.0.0.1');
      await once(asker, 'connect');
      onTestFinished(() => void asker.close());
      const answered = new Set<number>();
      asker.on('message', (data) => answered.add(data.readUInt32BE(0)));
      let sent = 0;
      const datagrams = oneByOne(async () => {
        const data = Buffer.alloc(4);
        data.writeUInt32BE(sent++);
        asker.send(data);
      });
      await replace(program);
      expect(await says(held, 'after', /r$/)).toBe('after');
      await replace(program);
      await until('some more', () => tcp.done() > 10 && sent > 50);
      expect((await tcp.end()).failed).toEqual([]);
      await datagrams.end();
      await until('all datagrams to be answered', () => answered.size === sent);
    });
  },
);

it.for(['uring', 'net'])(
  'answers who comes while one process lets go and the next takes over, on %s',
  async (transport, { skip }) => {
    const backend = await startBackend('a');
    const [port = 0] = await freePorts(1);
    const file = join(testFolder(), 'gobetween.toml');
    writeFileSync(
      file,
      `[servers.a]\nbind = "127.0.0.1:${port}"\n[servers.a.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${backend.port}"]\n`,
    );
    const program = musterProcess(['lb', '-c', file], { MUSTER_TRANSPORT: transport });
    await untilBalancing(program, skip);
    for (let round = 0; round < 8; round++) {
      await replace(program);
      // Nobody comes after them whose arrival would wake who should have taken them.
      await Promise.all(Array.from({ length: 5 }, () => ok(`http://127.0.0.1:${port}/`)));
    }
  },
);

describe('a new process that cannot take over', () => {
  it('leaves a balancer as it is', async () => {
    const backend = await startBackend('a');
    const [port = 0] = await freePorts(1);
    const file = join(testFolder(), 'gobetween.toml');
    const text = `[servers.a]\nbind = "127.0.0.1:${port}"\n[servers.a.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${backend.port}"]\n`;
    writeFileSync(file, text);
    const program = musterProcess(['lb', '-c', file]);
    await until('the balancer', () => program.output().includes('balancing'), { program });
    writeFileSync(file, text.replace('"static"', '"unknown"'));
    process.kill(program.pid, 'SIGUSR2');
    await until('it to be told', () => /this one goes on: .*unknown/.test(program.output()), { program });
    await ok(`http://127.0.0.1:${port}/`);
    writeFileSync(file, text);
    await replace(program);
    await ok(`http://127.0.0.1:${port}/`);
  });
});

describe('an agent that another process takes over from', () => {
  const muster = async (args: string[], api: string) => {
    const program = musterProcess(args, { CONSUL_HTTP_ADDR: api });
    const { code } = await program.exited;
    await program.silent;
    return { code, output: program.output() };
  };

  it('loses no request, question, read or write, and forgets nothing', async () => {
    const folder = testFolder();
    const config = {
      node: { data_dir: join(folder, 'data') },
      balancer: { workers: 2, drain_timeout: '30s' },
    };
    const { program, api, proxy, dnsPort } = await testMuster('agent', config, folder);
    const [a, b] = [await startBackend('a'), await startBackend('b')];
    for (const one of [a, b]) await put(`${api}/v1/agent/service/register`, registrationOf(one, 'web', '/'));
    await until('a route', async () => (await ask(proxy)).status === 200);
    const checks = () => getJson<{ CheckID: string; Status: string }[]>(`${api}/v1/health/checks/web`);

    const load = Load.begin(`${proxy}/`, 100);
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    let written = 0;
    const writes = oneByOne(async () => {
      await put(`${api}/v1/kv/n/${written}`, written, agent);
      written++;
    });
    await until('a first write', () => written > 0);
    let index = 0;
    const reads = oneByOne(async () => {
      const answer = await ask(`${api}/v1/kv/?keys`, { agent });
      const now = indexOf(answer);
      if (answer.status !== 200 || now < index)
        throw new Error(`${answer.status}, index ${now} after ${index}`);
      index = now;
    });
    const names = oneByOne(async () => {
      if ((await srvPorts(dnsPort, 'web.service.consul')).length !== 2) throw new Error('not both');
    });
    const seen = indexOf(await ask(`${api}/v1/health/service/web`));
    const blocked = ask(`${api}/v1/health/service/web?index=${seen}&wait=60s`, { timeout: 80_000 });
    for (let round = 0; round < 2; round++) {
      const { code, output } = await muster(['reload', '-process'], api);
      expect(output).toMatch(/^Process \d+ serves now/);
      expect(code).toBe(0);
      expect((await checks()).map(({ Status }) => Status)).toEqual(['passing', 'passing']);
    }
    // Who waited is let go, to ask anew.
    expect((await blocked).status).toBe(200);
    const ended = [await writes.end(), await reads.end(), await names.end()];
    expect(ended.flatMap(({ failed }) => failed)).toEqual([]);
    expect(failures(await load.end())).toEqual([]);
    const keys = await getJson<string[]>(`${api}/v1/kv/n/?keys`);
    expect(keys).toHaveLength(written);
    await until('both to be told of', () => served(program).length === 3);
    const { code } = await program.stop();
    expect(code).toBe(0);
  });

  it('goes on when the new one fails, before it gave anything away and after', async () => {
    const folder = testFolder();
    const ports = await pickPorts();
    const config = onPorts({ node: { data_dir: join(folder, 'data') }, balancer: { workers: 2 } }, ports);
    const file = writeConfig(folder, config);
    const program = musterProcess(['agent', '-config-file', file]);
    const api = `http://127.0.0.1:${ports.http}`;
    const proxy = `http://127.0.0.1:${ports.proxy}`;
    await until('the agent', () => serves(program), { program });
    const backend = await startBackend('a');
    await put(`${api}/v1/agent/service/register`, registrationOf(backend, 'web', '/'));
    await until('a route', async () => (await ask(proxy)).status === 200);

    const good = readFileSync(file, 'utf8');
    writeFileSync(file, `${good}\n[nonsense]\nx = 1\n`);
    const first = await muster(['reload', '-process'], api);
    expect(first.output).toMatch(/this one goes on: .*nonsense/s);
    expect(first.code).toBe(1);

    // What a reload brought stays, though the process did not begin with it.
    writeConfig(folder, { ...config, service: [{ name: 'brought' }] });
    await put(`${api}/v1/agent/reload`);

    // A port that somebody else has: found out only when it is its turn.
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    writeConfig(folder, {
      ...config,
      balancer: { workers: 2, listen: [`127.0.0.1:${ports.proxy}`, listen] },
    });
    const load = Load.begin(`${proxy}/`, 100);
    const writes = oneByOne(() => put(`${api}/v1/kv/x`, 1));
    const second = await muster(['reload', '-process'], api);
    expect(second.output).toMatch(/this one goes on: .*the port is in use/s);
    expect(second.code).toBe(1);
    expect((await writes.end()).failed).toEqual([]);
    expect(failures(await load.end())).toEqual([]);
    expect(await getJson(`${api}/v1/agent/services`)).toHaveProperty('brought');

    writeFileSync(file, good);
    expect((await muster(['reload', '-process'], api)).code).toBe(0);
    expect((await ask(proxy)).status).toBe(200);
    await put(`${api}/v1/kv/x`, 2);
    expect((await program.stop()).code).toBe(0);
  });

  it('refuses what would be lost', async () => {
    const { api } = await testMuster('agent', { node: { dev: true }, balancer: { workers: 2 } });
    const { code, output } = await muster(['reload', '-process'], api);
    expect(output).toContain('-data-dir');
    expect(code).toBe(1);
  });
});

describe('sockets that systemd opened', () => {
  it('are used, and handed on', async () => {
    const backend = await startBackend('a');
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const { fd } = (holder as unknown as { _handle: { fd: number } })._handle;
    const lb = `${process.execPath} ${MUSTER} lb -listen 127.0.0.1:${port} -upstream 127.0.0.1:${backend.port}`;
    const child = spawn('sh', ['-c', `LISTEN_FDS=1 LISTEN_PID=$$ exec ${lb}`], {
      stdio: ['ignore', 'inherit', 'pipe', fd],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stderr?.on('data', (data: Buffer) => {
      output += data;
    });
    await until('the balancer', () => output.includes('balancing'));
    holder.close();
    await ok(`http://127.0.0.1:${port}/`);
    child.kill('SIGUSR2');
    await until('the next process', () => /process \d+ serves from now on/.test(output));
    await ok(`http://127.0.0.1:${port}/`);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });
});
