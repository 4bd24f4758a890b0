// @ts-check
// An agent of ours for the benchmarks, with its own folder and ports.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, start, until } from '../scripts/support/processes.mjs';

/**
 * One request on a keep-alive connection. Rejects when there is no complete answer.
 * @param {http.Agent} agent
 * @param {string} method
 * @param {string} url
 * @param {string} [body]
 * @returns {Promise<{ status: number, text: string }>}
 */
export function send(agent, method, url, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** As `send`, but throws unless the answer is 200. @param {http.Agent} agent @param {string} url @param {string} [body] */
export async function put(agent, url, body) {
  const { status, text } = await send(agent, 'PUT', url, body);
  if (status !== 200) throw new Error(`PUT ${url}: ${status} ${text}`);
  return text;
}

/**
 * `more`: further tables of its configuration; `folder`: of the caller, for an agent that is started again (unless it is given there is one
 * that goes with the agent); `flags`: of Node.
 * @param {{ store: 'embedded' | 'memory', cpu?: string, more?: string, folder?: string, flags?: readonly string[] }} options
 */
export async function startAgent({ store, cpu, more = '', folder: given, flags = [] }) {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const began = performance.now();
  const [api = 0, dns = 0, proxy = 0, admin = 0] = await freePorts(4);
  const path = join(folder, 'muster.toml');
  const node = store === 'memory' ? 'dev = true' : `data_dir = "${folder}/data"`;
  writeFileSync(
    path,
    `[node]\n${node}\n[ports]\nhttp = ${api}\ndns = ${dns}\n` +
      `[balancer]\nlisten = ["127.0.0.1:${proxy}"]\nadmin = "127.0.0.1:${admin}"\n${more}`,
  );
  const program = start(
    process.execPath,
    [...flags, MUSTER, 'agent', '-config-file', path],
    cpu === undefined ? {} : { cpu },
  );
  const agent = new http.Agent({ keepAlive: true });
  const leader = async () =>
    (await send(agent, 'GET', `http://127.0.0.1:${api}/v1/status/leader`)).text.length > 2;
  await until('the agent to have a leader', leader, { program, every: 5, ms: 60_000 });
  agent.destroy();
  const startedIn = performance.now() - began;
  return {
    api: `127.0.0.1:${api}`,
    proxy: `127.0.0.1:${proxy}`,
    dns,
    program,
    /** From the start of the program to its first answer, in ms. */
    startedIn,
    async stop() {
      await program.stop('SIGTERM', 5_000);
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
