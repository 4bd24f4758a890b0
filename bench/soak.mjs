// @ts-check
// The balancer under mixed load while instances join, leave and are killed and the configuration is read again: what fails,
// what is lost, what grows.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { freePorts, pause, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, startAgent } from './agent.mjs';
import { keep, numberOption, options } from './options.mjs';

const SMALL = 'x'.repeat(128);
const LARGE = 'y'.repeat(204_800);
const UPLOAD = Buffer.alloc(65_536, 122);

/** Fewest instances at a time. */
const LEAST = 2;
const MOST = 6;
/** Between two changes (ms). */
const CHANGE_EVERY = 700;
/** Between taking an instance out and closing it (ms). */
const LEAVE_AFTER = 1_000;

/** An instance. It dies as a process between two answers would: what it has begun to say it says to the end. */
class Instance {
  #dead = false;
  /** @type {Set<import('node:net').Socket>} */
  #answering = new Set();
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();

  /** @param {number} port */
  constructor(port) {
    this.port = port;
    this.id = `soak-${port}`;
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  #serve(request, response) {
    const { socket } = request;
    if (this.#dead) {
      socket.destroy();
      return;
    }
    let bytes = 0;
    request.on('data', (part) => {
      bytes += part.length;
    });
    request.on('end', () => {
      if (this.#dead) return;
      this.#answering.add(socket);
      response.on('close', () => {
        this.#answering.delete(socket);
        if (this.#dead) socket.destroy();
      });
      response.end(
        request.method === 'POST' ? String(bytes) : request.url?.endsWith('/large') ? LARGE : SMALL,
      );
    });
  }

  /** @returns {Promise<this>} */
  async listen() {
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', () => resolve(undefined)));
    return this;
  }

  kill() {
    this.#dead = true;
    this.server.close();
    for (const socket of this.#sockets) if (!this.#answering.has(socket)) socket.destroy();
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** @param {string[]} argv */
export async function soakBench(argv) {
  const chosen = options(argv, { minutes: '10', clients: '24' });
  const end = Date.now() + numberOption(chosen, 'minutes') * 60_000;
  const agent = await startAgent({ store: 'memory' });
  const api = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const ports = await freePorts(MOST * 4);
  /** @type {Instance[]} */
  const instances = [];
  const counts = { requests: 0, failed: 0, joins: 0, leaves: 0, kills: 0, reloads: 0 };
  /** @type {string[]} */
  const failures = [];
  const url = (/** @type {string} */ path) => `http://${agent.api}/v1/agent/service/${path}`;

  /** @param {string} name @param {Instance} instance */
  const register = (name, instance) =>
    put(
      api,
      url('register'),
      JSON.stringify({
        Name: name,
        ID: `${name}-${instance.port}`,
        Address: '127.0.0.1',
        Port: instance.port,
        Tags: [`urlprefix-/${name}`],
        // Without a check of its own it would get no traffic, as with fabio.
        Check: { TTL: '24h', Status: 'passing' },
      }),
    );
  const join = async () => {
    const port = ports.shift();
    if (port === undefined) return;
    const instance = await new Instance(port).listen();
    instances.push(instance);
    await register('soak', instance);
    counts.joins++;
  };
  const leave = async () => {
    const instance = instances.shift();
    if (instance === undefined) return;
    await put(api, url(`deregister/soak-${instance.port}`));
    await pause(LEAVE_AFTER);
    instance.close();
    ports.push(instance.port);
    counts.leaves++;
  };
  const kill = async () => {
    const instance = instances.shift();
    if (instance === undefined) return;
    instance.kill();
    counts.kills++;
    await pause(LEAVE_AFTER);
    await put(api, url(`deregister/soak-${instance.port}`));
    ports.push(instance.port);
  };
  const reload = async () => {
    await put(api, `http://${agent.api}/v1/agent/reload`);
    counts.reloads++;
  };

  const change = async () => {
    for (let turn = 0; Date.now() < end; turn++) {
      if (turn % 4 === 3) await reload();
      else if (instances.length <= LEAST) await join();
      else if (instances.length >= MOST || turn % 4 === 1) await leave();
      else await [join, leave, kill][turn % 4]?.();
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
  /** @param {number} first */
  const client = async (first) => {
    const kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = first; Date.now() < end; i++) {
      const [path, body, keeps] = /** @type {typeof mix[number]} */ (mix[i % mix.length]);
      const wanted = body !== undefined ? String(body.length) : path.endsWith('large') ? LARGE : SMALL;
      counts.requests++;
      try {
        const text = await ask(`http://${agent.proxy}${path}`, body, keeps ? kept : undefined);
        if (text !== wanted) throw new Error(`${path}: not the answer (${text.slice(0, 80)})`);
      } catch (error) {
        counts.failed++;
        if (failures.length < 20)
          failures.push(`${new Date().toISOString()} ${path}: ${/** @type {Error} */ (error).message}`);
      }
    }
    kept.destroy();
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
    await register('steady', steady);
    for (let i = 0; i < LEAST + 2; i++) await join();
    for (const path of ['/soak/small', '/steady/small'])
      await until(
        'the routes to be there',
        async () => (await ask(`http://${agent.proxy}${path}`, undefined, undefined)) === SMALL,
      );
    await Promise.all([
      change(),
      watch(),
      ...Array.from({ length: numberOption(chosen, 'clients') }, (_, i) => client(i)),
    ]);
  } finally {
    await agent.stop();
    log = agent.program.output();
    for (const instance of [...instances, steady]) instance.close();
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
