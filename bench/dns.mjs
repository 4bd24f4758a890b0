// @ts-check
// Answers per second of the name service, and processor time for each.
import { createSocket } from 'node:dgram';
import http from 'node:http';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

const TYPES = /** @type {const} */ ({ A: 1, SRV: 33 });

/** A question as it goes over the wire, with EDNS and room for 1,232 bytes. @param {string} name @param {number} type */
function question(name, type) {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const head = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
  const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
  return Buffer.from([...head, ...labels, 0, 0, type, 0, 1, ...opt]);
}

/**
 * Keeps `window` questions under way for `seconds`.
 * @param {number} port
 * @param {Buffer} template
 * @param {{ seconds: number, window: number }} options
 */
function flood(port, template, { seconds, window }) {
  const socket = createSocket('udp4');
  const sentAt = new Float64Array(65_536);
  /** @type {number[]} */
  const latencies = [];
  let answers = 0;
  let bad = 0;
  let next = 0;
  const ask = () => {
    const id = next++ & 0xffff;
    template.writeUInt16BE(id, 0);
    sentAt[id] = performance.now();
    // A copy: the socket may send it later.
    socket.send(Buffer.from(template), port, '127.0.0.1');
  };
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    const begin = performance.now();
    socket.on('message', (message) => {
      answers++;
      // Response code 0 and at least one answer.
      if (((message[3] ?? 0) & 15) !== 0 || message.readUInt16BE(6) === 0) bad++;
      if (answers % 16 === 0) latencies.push(performance.now() - (sentAt[message.readUInt16BE(0)] ?? 0));
      ask();
    });
    socket.bind(0, '127.0.0.1', () => {
      for (let i = 0; i < window; i++) ask();
    });
    setTimeout(() => {
      const ms = performance.now() - begin;
      socket.close();
      resolve({ answers, bad, perSecond: (answers / ms) * 1000, latencies });
    }, seconds * 1000);
  });
}

/** @param {string[]} argv */
export async function dnsBench(argv) {
  const chosen = options(argv, { seconds: '5', window: '32', instances: '8', rounds: '3' });
  const facts = conditions();
  printConditions(facts);
  const ours = await startAgent({ store: 'memory', cpu: '0' });
  try {
    const agent = new http.Agent({ keepAlive: true });
    for (let i = 0; i < numberOption(chosen, 'instances'); i++) {
      const body = JSON.stringify({
        ID: `bench-${i}`,
        Name: 'bench',
        Address: `127.0.1.${i + 1}`,
        Port: 8000 + i,
      });
      await put(agent, `http://${ours.api}/v1/agent/service/register`, body);
    }
    agent.destroy();
    const figures = [];
    for (let round = 0; round < numberOption(chosen, 'rounds'); round++) {
      for (const [type, code] of Object.entries(TYPES)) {
        const pids = ours.program.family();
        const before = cpuTime(pids);
        const run = /** @type {{ answers: number, bad: number, perSecond: number, latencies: number[] }} */ (
          await flood(ours.dns, question('bench.service.consul', code), {
            seconds: numberOption(chosen, 'seconds'),
            window: numberOption(chosen, 'window'),
          })
        );
        figures.push({
          type,
          perSecond: run.perSecond,
          cpuUs: (cpuTime(pids) - before) / run.answers,
          p50: quantile(run.latencies, 0.5),
          p99: quantile(run.latencies, 0.99),
          bad: run.bad,
        });
      }
    }
    const rows = figures.map((one) => [
      one.type,
      one.perSecond,
      one.cpuUs,
      one.p50,
      one.p99,
      String(one.bad),
    ]);
    process.stdout.write(`${table(['type', 'answers/s', 'CPU µs', 'p50 ms', 'p99 ms', 'bad'], rows)}\n`);
    keep('dns', { conditions: facts, options: chosen, figures });
    return figures.some((one) => one.bad > 0) ? 1 : 0;
  } finally {
    await ours.stop();
  }
}
