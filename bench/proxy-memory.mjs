// @ts-check
// What idle connections, and a client that takes nothing, cost a balancer in memory.

import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pause } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { withBackend, withSubject } from './subjects.mjs';

/** Opened at a time. */
const BURST = 200;
const LARGE = 100 * 1024 * 1024;
/** What is counted as taken: the memory has stopped growing by then (ms). */
const SETTLED = 2_000;
/** How long the client takes nothing (ms). */
const STALL = 5_000;

/** Memory of all its processes, MB. @param {import('../scripts/support/processes.mjs').Running} program */
function memoryOf(program) {
  return program
    .family()
    .map(
      (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1_024,
    )
    .reduce((sum, one) => sum + one, 0);
}

/** Connections that have asked once and stay. @param {string} url @param {number} count */
async function idleClients(url, count) {
  const { hostname, port } = new URL(url);
  /** @type {import('node:net').Socket[]} */
  const clients = [];
  const one = async () => {
    const socket = connect({ host: hostname, port: Number(port) });
    clients.push(socket);
    socket.write('GET /128 HTTP/1.1\r\nHost: bench\r\n\r\n');
    const [answer] = await once(socket, 'data');
    if (!String(answer).startsWith('HTTP/1.1 200'))
      throw new Error(`refused: ${String(answer).slice(0, 60)}`);
  };
  while (clients.length < count)
    await Promise.all(Array.from({ length: Math.min(BURST, count - clients.length) }, one));
  return clients;
}

/** @param {string[]} argv */
export async function proxyMemoryBench(argv) {
  const chosen = options(argv, { connections: '10000', subjects: 'muster,muster-net' });
  const connections = numberOption(chosen, 'connections');
  const facts = conditions();
  printConditions(facts);
  /** @type {(string | number)[][]} */
  const rows = [];
  await withBackend('1', async (ground) => {
    writeFileSync(join(ground.folder, 'large'), '');
    truncateSync(join(ground.folder, 'large'), LARGE);
    for (const subject of (chosen.subjects ?? '').split(','))
      await withSubject(subject, { ...ground, protocol: 'http', cpu: '0' }, async (url, program) => {
        await pause(SETTLED);
        const empty = memoryOf(program);
        const stalled = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
        stalled.pause();
        stalled.write('GET /large HTTP/1.1\r\nHost: bench\r\n\r\n');
        await pause(STALL);
        const held = memoryOf(program) - empty;
        stalled.destroy();
        const clients = await idleClients(url, connections);
        await pause(SETTLED);
        const idle = memoryOf(program) - empty;
        for (const client of clients) client.destroy();
        say(
          'bench',
          `${subject}: ${connections} idle connections ${idle.toFixed(1)} MB, 100 MB stalled ${held.toFixed(1)} MB`,
        );
        rows.push([subject, empty, idle, held]);
      });
  });
  const head = ['MB', 'empty', `${connections} idle connections`, '100 MB through a stalled reader'];
  process.stdout.write(`\n${table(head, rows)}\n`);
  keep('proxy-memory', { conditions: facts, options: chosen, rows });
  return 0;
}
