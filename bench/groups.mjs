// @ts-check
// A group of many small processes: how fast it grows and shrinks, and what it costs the agent; then a day of an autoscaler,
// simulated.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUSTER } from '../scripts/support/paths.mjs';
import { pause, runToEnd, until } from '../scripts/support/processes.mjs';
import { put, send, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { median, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** Steps of ten seconds in a day. */
const STEPS = 8_640;

const GROUP = `
[[group]]
name = "many"
replicas = 1
command = ["sleep", "100000"]
service = "many"
drain_timeout = "0s"
[group.register]
address = "127.0.0.1"
`;

/** @param {number} pid */
function residentMb(pid) {
  const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

/** A load that rises and falls over a day, a point for each ten seconds. */
function dayTrace() {
  const lines = Array.from({ length: STEPS }, (_, step) => {
    const day = 1 - Math.cos((step / STEPS) * 2 * Math.PI);
    return `${step * 10},${Math.round(100 + day * 900 + (step % 360 < 30 ? 400 : 0))}`;
  });
  return `${lines.join('\n')}\n`;
}

/** @param {number} rounds */
async function simulateDay(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const trace = join(folder, 'day.csv');
  writeFileSync(trace, dayTrace());
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const args = ['group', 'simulate', '-trace', trace, '-min', '2', '-max', '40', '-target', '100'];
    const { code, output } = await runToEnd(process.execPath, [MUSTER, ...args]);
    if (code !== 0) throw new Error(output);
    times.push(performance.now() - begin);
  }
  rmSync(folder, { recursive: true });
  return median(times);
}

/** @param {string[]} argv */
export async function groupsBench(argv) {
  const chosen = options(argv, { instances: '200', rounds: '3' });
  const [instances, rounds] = [numberOption(chosen, 'instances'), numberOption(chosen, 'rounds')];
  const facts = conditions();
  printConditions(facts);
  const ours = await startAgent({ store: 'embedded', more: GROUP });
  const agent = new http.Agent({ keepAlive: true });
  const url = `http://${ours.api}/v1/muster/groups/many`;
  /** @param {number} size */
  const ready = (size) =>
    until(
      `${size} to be ready`,
      async () => {
        const view = JSON.parse((await send(agent, 'GET', url)).text);
        return view.ready === size && view.instances.length === size;
      },
      { ms: 120_000, program: ours.program },
    );
  /** @param {number} size */
  const scale = async (size) => {
    const begin = performance.now();
    await put(agent, `${url}/scale?size=${size}`);
    await ready(size);
    return performance.now() - begin;
  };
  const { pid } = ours.program;
  const figures = { grown: 0, shrunk: 0, memory: 0, cpu: 0, day: 0 };
  try {
    await ready(1);
    await scale(instances);
    await scale(1);
    const grown = [];
    const shrunk = [];
    const memory = [];
    const cpu = [];
    for (let round = 0; round < rounds; round++) {
      await pause(3_000);
      const before = residentMb(pid);
      grown.push(await scale(instances));
      await pause(3_000);
      memory.push(residentMb(pid) - before);
      const used = cpuTime([pid]);
      await pause(10_000);
      cpu.push((cpuTime([pid]) - used) / 10);
      shrunk.push(await scale(1));
    }
    Object.assign(figures, {
      grown: median(grown),
      shrunk: median(shrunk),
      memory: median(memory),
      memoryWhole: residentMb(pid),
      cpu: median(cpu),
    });
    await scale(0);
  } finally {
    agent.destroy();
    await ours.stop();
  }
  figures.day = await simulateDay(rounds);
  process.stdout.write(
    `${table(
      ['', ''],
      [
        [`1 to ${instances} instances, ms`, figures.grown],
        [`${instances} to 1, ms`, figures.shrunk],
        [`memory of ${instances - 1} instances in the agent, MB`, figures.memory],
        [`the agent with ${instances} at rest, % of a core`, figures.cpu / 10_000],
        [`a day of ${STEPS.toLocaleString('en-US')} steps simulated, ms`, figures.day],
      ],
    )}\n`,
  );
  keep('groups', { conditions: facts, options: chosen, figures });
  return 0;
}
