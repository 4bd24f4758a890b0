import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hosts, whyNoNamespaces } from '../scripts/support/namespaces.mjs';
import { MUSTER } from '../scripts/support/paths.mjs';
import { type Running, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { missingPrograms } from '../scripts/support/system-packages.mjs';
import { temporaryFolder } from './support/muster.ts';

/** Answers each connection (or datagram) with its name; a connection stays open and is answered line by line. */
const BACKEND = `
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
const [name, host] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', () => socket.write(name + ' ' + socket.remoteAddress + '\\n'));
}).listen(8080, host, () => udp.bind(8080, host, () => console.log('ready')));
const udp = createSocket('udp4');
udp.on('message', (_, { port, address }) => udp.send(name, port, address));
`;

/** Asks so many times, each over a connection (or socket) of its own; prints the answers as JSON. */
const CLIENT = `
import { connect } from 'node:net';
import { createSocket } from 'node:dgram';
const [protocol, host, port, count] = process.argv.slice(2);
const tcp = () => new Promise((resolve) => {
  const socket = connect({ host, port: Number(port) }, () => socket.write('hello\\n'));
  socket.setTimeout(10_000, () => { socket.destroy(); resolve('timeout'); });
  socket.on('data', (data) => { socket.destroy(); resolve(String(data).trim()); });
  socket.on('error', (error) => resolve(error.code));
});
const udp = () => new Promise((resolve) => {
  const socket = createSocket('udp4');
  const timer = setTimeout(() => { socket.close(); resolve('timeout'); }, 10_000);
  socket.on('message', (data) => { clearTimeout(timer); socket.close(); resolve(String(data)); });
  socket.send('hello', Number(port), host);
});
const answers = [];
for (let asked = 0; asked < Number(count); asked++) answers.push(await (protocol === 'udp' ? udp() : tcp()));
console.log(JSON.stringify(answers));
`;

/** Keeps one connection, asks over it for each line of its input. */
const HOLDER = `
import { connect } from 'node:net';
const [host, port] = process.argv.slice(2);
const socket = connect({ host, port: Number(port) }, () => socket.write('hello\\n'));
socket.on('data', (data) => process.stdout.write(String(data)));
socket.on('close', () => console.log('closed'));
process.on('SIGUSR1', () => socket.write('again\\n'));
`;

const missing = missingPrograms('ip', 'nft');
const reason = missing.length > 0 ? `it needs ${missing.join(', ')}` : whyNoNamespaces();
if (reason !== '') process.stdout.write(`kernel.test.ts is left out: ${reason}\n`);

const VIP = '10.77.0.1';
const home = temporaryFolder();
const hosts = new Hosts();
const running: Running[] = [];

describe.skipIf(reason !== '')('balancing in the kernel', () => {
  let balancer: string;
  let client: string;
  let muster: Running;
  const api = `http://127.0.0.1:8500`;

  const inside = (host: string, script: string, ...words: string[]) =>
    start('ip', ['netns', 'exec', host, process.execPath, join(home.folder, script), ...words]);
  const ask = async (protocol: 'tcp' | 'udp', port: number, count: number): Promise<string[]> => {
    const script = join(home.folder, 'client.mjs');
    const words = [
      'netns',
      'exec',
      client,
      process.execPath,
      script,
      protocol,
      VIP,
      String(port),
      String(count),
    ];
    return JSON.parse((await runToEnd('ip', words)).output) as string[];
  };
  const put = async (path: string, body?: unknown) => {
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)];
    const curl = ['curl', '-sS', '--fail-with-body', '-X', 'PUT', `${api}${path}`, ...data];
    const { code, output } = await runToEnd('ip', ['netns', 'exec', balancer, ...curl]);
    expect(code, output).toBe(0);
  };
  const register = (name: string, address: string, weight: number) =>
    put('/v1/agent/service/register', {
      ID: name,
      Name: 'echo',
      Address: address,
      Port: 8080,
      Weights: { Passing: weight, Warning: 1 },
      Check: { TTL: '1h', Status: 'passing' },
    });
  const names = (answers: string[]) => new Set(answers.map((answer) => answer.split(' ')[0]));

  beforeAll(async () => {
    writeFileSync(join(home.folder, 'backend.mjs'), BACKEND);
    writeFileSync(join(home.folder, 'client.mjs'), CLIENT);
    writeFileSync(join(home.folder, 'holder.mjs'), HOLDER);
    writeFileSync(
      join(home.folder, 'muster.toml'),
      `[node]
dev = true
name = "lb-1"
[balancer]
enabled = false
[[balancer.kernel]]
address = "${VIP}:80"
service = "echo"
[[balancer.kernel]]
address = "${VIP}:81"
service = "echo"
choice = "client"
[[balancer.kernel]]
address = "${VIP}:82"
protocol = "udp"
service = "echo"
`,
    );
    balancer = hosts.add('lb');
    client = hosts.add('client');
    hosts.link([client, '10.77.0.2/24'], [balancer, `${VIP}/24`]);
    for (const number of [1, 2]) {
      const backend = hosts.add(`b${number}`);
      hosts.link([backend, `10.78.${number}.2/24`], [balancer, `10.78.${number}.1/24`]);
      const program = inside(backend, 'backend.mjs', `b${number}`, `10.78.${number}.2`);
      running.push(program);
      await until('the backend', () => program.output().includes('ready'), { program });
    }
    hosts.run(balancer, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    muster = start('ip', [
      'netns',
      'exec',
      balancer,
      process.execPath,
      MUSTER,
      'agent',
      '-config-file',
      join(home.folder, 'muster.toml'),
    ]);
    running.push(muster);
    await until('the agent', () => muster.output().includes('HTTP API'), { program: muster });
    await register('b1', '10.78.1.2', 1);
  });

  afterAll(async () => {
    for (const program of running) await program.kill();
    hosts.remove();
    home.remove();
  });

  it('follows the catalog: flows go in turn to what passes, by weight', async () => {
    await until('the first instance', async () => (await ask('tcp', 80, 1))[0]?.startsWith('b1') === true);
    await register('b2', '10.78.2.2', 3);
    await until('the second instance', async () => names(await ask('tcp', 80, 8)).has('b2'));
    const answers = await ask('tcp', 80, 8);
    expect(answers.filter((answer) => answer.startsWith('b2'))).toHaveLength(6);
    // The instance sees this machine, by whose hands its answers go back.
    expect(answers[0]).toMatch(/^b[12] 10\.78\.[12]\.1$/);
  });

  it('keeps a client at one instance where that is asked for', async () => {
    expect(names(await ask('tcp', 81, 6)).size).toBe(1);
  });

  it('balances UDP', async () => {
    expect([...names(await ask('udp', 82, 8))].sort()).toEqual(['b1', 'b2']);
  });

  it('lets flows that stand go on when their instance leaves, and sends no new ones there', async () => {
    const holder = inside(client, 'holder.mjs', VIP, '80');
    running.push(holder);
    await until('an answer', () => /^b[12] /.test(holder.output()), { program: holder });
    const held = holder.output().slice(0, 2);
    await put(`/v1/agent/service/maintenance/${held}?enable=true`);
    await until('the instance to be out', async () => !names(await ask('tcp', 80, 8)).has(held));
    // `ip netns exec` becomes the program it is given.
    process.kill(holder.pid, 'SIGUSR1');
    await until('another answer', () => holder.output().split('\n').length > 2, { program: holder });
    expect(holder.output()).not.toContain('closed');
    await put(`/v1/agent/service/maintenance/${held}?enable=false`);
    await until('it to be back', async () => names(await ask('tcp', 80, 8)).has(held));
  });

  it('puts its table back when somebody flushes it', async () => {
    hosts.run(balancer, 'nft', 'flush', 'ruleset');
    await register('b2', '10.78.2.2', 1);
    const both = async () => [...names(await ask('tcp', 80, 4))].sort().join() === 'b1,b2';
    await until('both again', both);
  });

  it('leaves out what it cannot reach, with the reason, and goes on', async () => {
    await register('b3', '127.0.0.1', 1);
    await until('the reason', () =>
      muster.output().includes('127.0.0.1:8080 out: 127.0.0.1 is a loopback address'),
    );
    expect([...names(await ask('tcp', 80, 4))].sort()).toEqual(['b1', 'b2']);
  });

  // Last: it ends the agent.
  it('takes its rules away when it ends', async () => {
    expect(hosts.run(balancer, 'nft', 'list', 'ruleset')).toContain('table inet muster_lb_1');
    await muster.stop();
    expect(hosts.run(balancer, 'nft', 'list', 'ruleset')).not.toContain('muster');
  });

  it('says what is missing where it cannot work', async () => {
    hosts.run(balancer, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
    const { code, output } = await runToEnd('ip', [
      'netns',
      'exec',
      balancer,
      process.execPath,
      MUSTER,
      'agent',
      '-config-file',
      join(home.folder, 'muster.toml'),
    ]);
    expect(code).toBe(1);
    expect(output).toContain('this machine passes no packets on: `sysctl -w net.ipv4.ip_forward=1` lets it');
  });
});
