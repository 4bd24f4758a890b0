#!/usr/bin/env node
// @ts-check
// Blocks many readers on one service, changes it, and tells when the first, the middle and the last were answered:
//   node bench/registry/watchers.mjs HOST:PORT READERS ROUNDS PIDS     prints one line of JSON, times in ms since the write was sent;
//   PIDS, with commas: processes whose processor time is told per reader in µs
import http from 'node:http';
import { connect } from 'node:net';
import { pause } from '../../scripts/support/processes.mjs';
import { put, send } from '../agent.mjs';
import { cpuTime } from '../cpu.mjs';
import { quantile } from '../figures.mjs';

const [address = '', readers = '10000', rounds = '3', pids = ''] = process.argv.slice(2);
const [host = '', port = ''] = address.split(':');
const agent = new http.Agent({ keepAlive: true });
const service = 'watched';
const watched = pids === '' ? [] : pids.split(',').map(Number);

/** @param {number} round */
const change = (round) =>
  put(
    agent,
    `http://${address}/v1/catalog/register`,
    JSON.stringify({
      Node: 'watched-0',
      Address: '10.0.0.1',
      Service: { ID: 'watched-0', Service: service, Port: 8000 + round },
      Check: { CheckID: 'watched-0', Name: 'c', Status: 'passing', ServiceID: 'watched-0' },
    }),
  );

/** One reader on a connection of its own; asks again whenever it is answered. */
class Reader {
  /** Index of the last answer. */
  index = 0;
  /** When the last answer was complete. */
  at = 0;
  #left = 0;
  #head = '';
  #socket;

  constructor() {
    this.#socket = connect(Number(port), host);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
  }

  ask() {
    this.#socket.write(
      `GET /v1/health/service/${service}?passing&wait=5m&index=${this.index} HTTP/1.1\r\nHost: bench\r\n\r\n`,
    );
  }

  /** @param {Buffer} chunk */
  #take(chunk) {
    if (this.#left === 0) {
      const end = chunk.indexOf('\r\n\r\n');
      if (end < 0) throw new Error('the head came in pieces');
      this.#head = chunk.toString('latin1', 0, end);
      this.#left = Number(/content-length: (\d+)/i.exec(this.#head)?.[1]) - (chunk.length - end - 4);
      this.index = Number(/x-consul-index: (\d+)/i.exec(this.#head)?.[1]);
    } else this.#left -= chunk.length;
    if (this.#left === 0) {
      this.at = performance.now();
      answered++;
    }
  }
}

let answered = 0;
await change(0);
const all = Array.from({ length: Number(readers) }, () => new Reader());
/** @param {number} count */
const untilAnswered = async (count) => {
  for (let i = 0; answered < count; i++) {
    if (i > 6000) throw new Error(`${answered} of ${count} readers were answered`);
    await pause(10);
  }
};
for (const reader of all) reader.ask();
await untilAnswered(all.length);
const figures = [];
for (let round = 1; round <= Number(rounds); round++) {
  answered = 0;
  for (const reader of all) reader.ask();
  // All of them are blocked when a later question of ours has been answered and nothing comes back any more.
  await pause(2000);
  await send(agent, 'GET', `http://${address}/v1/status/leader`);
  if (answered > 0) throw new Error('readers were answered before anything changed');
  const before = cpuTime(watched);
  const begin = performance.now();
  await change(round);
  await untilAnswered(all.length);
  const times = all.map(({ at }) => at - begin);
  const cpuUs = (cpuTime(watched) - before) / all.length;
  figures.push({ cpuUs, first: Math.min(...times), middle: quantile(times, 0.5), last: Math.max(...times) });
}
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit(0);
