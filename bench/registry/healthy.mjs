#!/usr/bin/env node
// @ts-check
// A server that is healthy whatever is asked, and counts how often and in which gaps each path was asked:
//   node bench/registry/healthy.mjs     prints LISTENING HOST:PORT; GET /figures answers what happened since it was last asked
import { createServer } from 'node:http';

/** When each path was asked last. @type {Map<string, number>} */
const asked = new Map();
/** @type {number[]} */
let gaps = [];
let hits = 0;

const server = createServer((request, response) => {
  const { url = '' } = request;
  if (url === '/figures') {
    response.end(JSON.stringify({ hits, gaps: gaps.map(Math.round) }));
    hits = 0;
    gaps = [];
    return;
  }
  const now = performance.now();
  const before = asked.get(url);
  if (before !== undefined) gaps.push(now - before);
  asked.set(url, now);
  hits++;
  response.end('ok');
});
server.listen(0, '127.0.0.1', () => {
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`LISTENING ${address}:${port}\n`);
});
