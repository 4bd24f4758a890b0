// @ts-check
// The balancer under mixed load while instances join, leave and are killed and the configuration is read again: what fails,
// what is lost, what grows.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { freePorts, pause, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, startAgent } from './agent.mjs';
import { keep, numberOption, options } from './options.mjs';
import { Http2Client, Http2Instance, Instance, LARGE, SMALL } from './soak-peers.mjs';

const UPLOAD = Buffer.alloc(65_536, 122);

/** Fewest instances at a time. */
const LEAST = 2;
const MOST = 6;
/** Requests of a client of HTTP/2 at a time. */
const STREAMS = 4;
/** Between two changes (ms). */
const CHANGE_EVERY = 700;
/** Between taking an instance out and closing it (ms). */
const LEAVE_AFTER = 1_000;

/** @typedef {{ name: string, tags: string, make: (port: number) => Instance | Http2Instance, instances: (Instance | Http2Instance)[] }} Service */

/** @param {string[]} argv */
export async function soakBench(argv) {
  const chosen = options(argv, { minutes: '10', clients: '24', http2: '4' });
  const [minutes, clients, http2Clients] = ['minutes', 'clients', 'http2'].map((name) =>
    numberOption(chosen, name),
  );
  const end = Date.now() + Number(minutes) * 60_000;
  const [http2Port = 0] = await freePorts(1);
  const listener = `[[balancer.listener]]\naddress = "127.0.0.1:${http2Port}"\nhttp2 = true\n`;
  const agent = await startAgent({ store: 'memory', more: listener });
  const api = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const ports = await freePorts(MOST * 8);
  /** @type {Service} */
  const soak = { name: 'soak', tags: '', make: (port) => new Instance(port), instances: [] };
  /** @type {Service} */
  const calls = {
    name: 'calls',
    tags: ' proto=grpc',
    make: (port) => new Http2Instance(port),
    instances: [],
  };
  const counts = { requests: 0, failed: 0, joins: 0, leaves: 0, kills: 0, reloads: 0 };
  /** @type {string[]} */
  const failures = [];
  const url = (/** @type {string} */ path) => `http://${agent.api}/v1/agent/service/${path}`;

  /** @param {string} name @param {string} tags @param {number} port */
  const register = (name, tags, port) =>
    put(
      api,
      url('register'),
      JSON.stringify({
        Name: name,
        ID: `${name}-${port}`,
        Address: '127.0.0.1',
        Port: port,
        Tags: [`urlprefix-/${name}${tags}`],
        // Without a check of its own it would get no traffic, as with fabio.
        Check: { TTL: '24h', Status: 'passing' },
      }),
    );
  /** @param {Service} service */
  const join = async ({ name, tags, make, instances }) => {
    const port = ports.shift();
    if (port === undefined) return;
    instances.push(await make(port).listen());
    await register(name, tags, port);
    counts.joins++;
  };
  /** @param {Service} service */
  const leave = async ({ name, instances }) => {
    const instance = instances.shift();
    if (instance === undefined) return;
    await put(api, url(`deregister/${name}-${instance.port}`));
    await pause(LEAVE_AFTER);
    instance.close();
    ports.push(instance.port);
    counts.leaves++;
  };
  /** @param {Service} service */
  const kill = async ({ name, instances }) => {
    const instance = instances.shift();
    if (instance === undefined) return;
    instance.kill();
    counts.kills++;
    await pause(LEAVE_AFTER);
    await put(api, url(`deregister/${name}-${instance.port}`));
    ports.push(instance.port);
  };
  const reload = async () => {
    await put(api, `http://${agent.api}/v1/agent/reload`);
    counts.reloads++;
  };

  /** @param {Service} service */
  const change = async (service) => {
    for (let turn = 0; Date.now() < end; turn++) {
      const { length } = service.instances;
      if (turn % 4 === 3) await reload();
      else if (length <= LEAST) await join(service);
      else if (length >= MOST || turn % 4 === 1) await leave(service);
      else await [join, leave, kill][turn % 4]?.(service);
      await pause(CHANGE_EVERY);
    }
  };

  /** What is asked in turn: path, body, whether the connection is kept. @type {readonly [string, Buffer | undefined, boolean][]} */
  const mix = [
    ['/soak/small', undefined, true],
    ['/soak/large', undefined, true],
    ['/soak/small', undefined, false],
    ['/steady/upload', UPLOAD, true],
  ];
  /** @param {string} path @param {Buffer | undefined} body @param {() => Promise<string>} asks */
  const attempt = async (path, body, asks) => {
    const wanted = body !== undefined ? String(body.length) : path.endsWith('large') ? LARGE : SMALL;
    counts.requests++;
    try {
      const text = await asks();
      if (text !== wanted) throw new Error(`not the answer (${text.slice(0, 80)})`);
    } catch (error) {
      counts.failed++;
      if (failures.length < 20)
        failures.push(`${new Date().toISOString()} ${path}: ${/** @type {Error} */ (error).message}`);
    }
  };
  /** @param {number} first */
  const client = async (first) => {
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = first; Date.now() < end; i++) {
      const [path, body, keeps] = /** @type {typeof mix[number]} */ (mix[i % mix.length]);
      await attempt(path, body, () => ask(`http://${agent.proxy}${path}`, body, keeps ? kept : undefined));
    }
    kept.destroy();
  };

  /** The same over HTTP/2, several at a time; some of it to instances that speak it, too. @type {readonly [string, Buffer | undefined][]} */
  const http2Mix = [
    ['/soak/small', undefined],
    ['/calls/large', undefined],
    ['/steady/upload', UPLOAD],
    ['/soak/large', undefined],
    ['/calls/small', undefined],
  ];
  /** @param {number} first */
  const http2Client = async (first) => {
    const session = new Http2Client(`http://127.0.0.1:${http2Port}`);
    const lane = async (/** @type {number} */ number) => {
      for (let i = first + number; Date.now() < end; i++) {
        const [path, body] = /** @type {typeof http2Mix[number]} */ (http2Mix[i % http2Mix.length]);
        await attempt(path, body, () => session.ask(path, body));
      }
    };
    await Promise.all(Array.from({ length: STREAMS }, (_, number) => lane(number)));
    session.close();
  };

  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.program.pid}/status`, 'latin1'))?.[1]) / 1_024;
  /** @type {number[]} */
  const memory = [];
  const watch = async () => {
    while (Date.now() < end) {
      await pause(5_000);
      memory.push(rss());
    }
  };

  // Requests that may not be repeated go where nobody dies.
  const steady = await new Instance(/** @type {number} */ (ports.shift())).listen();
  let log = '';
  let carriage = '';
  try {
    carriage = await carriageOf(agent.api);
    await register('steady', '', steady.port);
    for (let i = 0; i < LEAST + 2; i++) for (const service of [soak, calls]) await join(service);
    for (const path of ['/soak/small', '/steady/small', '/calls/small'])
      await until(
        'the routes to be there',
        async () => (await ask(`http://${agent.proxy}${path}`, undefined, undefined)) === SMALL,
      );
    await Promise.all([
      change(soak),
      change(calls),
      watch(),
      ...Array.from({ length: Number(clients) }, (_, i) => client(i)),
      ...Array.from({ length: Number(http2Clients) }, (_, i) => http2Client(i)),
    ]);
  } finally {
    await agent.stop();
    log = agent.program.output();
    for (const instance of [...soak.instances, ...calls.instances, steady]) instance.close();
    api.destroy();
  }
  const early = memory.slice(Math.floor(memory.length / 4), Math.floor(memory.length / 2));
  const late = memory.slice(Math.floor((memory.length * 3) / 4));
  const mean = (/** @type {number[]} */ list) => list.reduce((a, b) => a + b, 0) / list.length;
  const growth = mean(late) - mean(early);
  const lost = log.split('\n').filter((line) => /buffer|worker failed|worker died/.test(line));
  say(
    'soak',
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  say(
    'soak',
    `RSS ${mean(early).toFixed(0)} MB in the second quarter, ${mean(late).toFixed(0)} MB in the last (${growth < 0 ? '' : '+'}${growth.toFixed(1)} MB)`,
  );
  say('soak', lost.length === 0 ? 'no buffer lost, no worker died' : lost.join('\n'));
  say('soak', `carried by ${carriage}`);
  for (const failure of failures) say('soak', failure);
  keep('soak', { carriage, counts, memory, lost, failures });
  return counts.failed > 0 || lost.length > 0 ? 1 : 0;
}

/** Which road to the kernel an agent's balancer takes, with how many workers. @param {string} api */
async function carriageOf(api) {
  const { Stats } = JSON.parse(await ask(`http://${api}/v1/agent/self`, undefined, undefined));
  return `${Stats.balancer.transport}, ${Stats.balancer.workers} workers`;
}

/** @param {string} url @param {Buffer | undefined} body @param {http.Agent | undefined} agent @returns {Promise<string>} */
function ask(url, body, agent) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      { method: body === undefined ? 'GET' : 'POST', agent: agent ?? false, timeout: 20_000 },
      (response) => {
        /** @type {Buffer[]} */
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 20 s')));
    request.on('error', reject);
    request.end(body);
  });
}
