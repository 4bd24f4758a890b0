#!/usr/bin/env node
// How fast does a balancer follow the registry, and what do clients see meanwhile?
// Usage: node propagation.mjs --http REGISTRY --proxy HOST:PORT [--name svc] [--path /p] [--rounds 10] [--rate 200]
// Works on anything that routes `urlprefix-` tagged services of a Consul-compatible registry (--tag ''
// when the balancer is configured for the service by name). Prints one JSON line.
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

const { values: o } = parseArgs({
  options: {
    http: { type: 'string', default: '127.0.0.1:8500' },
    proxy: { type: 'string', default: '127.0.0.1:9999' },
    name: { type: 'string', default: 'prop' },
    path: { type: 'string', default: '/prop' },
    tag: { type: 'string', default: 'urlprefix-/prop' },
    rounds: { type: 'string', default: '8' },
    rate: { type: 'string', default: '200' },
    base: { type: 'string', default: '26100' },
    settle: { type: 'string', default: '8000' },
    label: { type: 'string', default: '' },
  },
});
const [ph, pp] = o.proxy.split(':');
const rounds = +o.rounds,
  rate = +o.rate;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const now = () => performance.now();

function backend(port) {
  const id = `i${port}`;
  const s = http.createServer((_, r) => {
    r.setHeader('x-id', id);
    r.end(id);
  });
  s.keepAliveTimeout = 60000;
  return new Promise((ok) =>
    s.listen(port, '127.0.0.1', () =>
      ok({
        id,
        port,
        s,
        close() {
          return new Promise((d) => {
            s.closeAllConnections();
            s.close(() => d());
          });
        },
        drain() {
          return new Promise((d) => {
            s.close(() => d());
            s.closeIdleConnections();
            setTimeout(() => {
              s.closeAllConnections();
            }, 1000);
          });
        },
      }),
    ),
  );
}
async function put(path, body) {
  const r = await fetch(`http://${o.http}${path}`, {
    method: 'PUT',
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!r.ok) throw new Error(`${path} ${r.status} ${await r.text()}`);
}
const register = (b) =>
  put('/v1/agent/service/register', {
    ID: b.id,
    Name: o.name,
    Address: '127.0.0.1',
    Port: b.port,
    Tags: o.tag ? [o.tag] : [],
    Check: { HTTP: `http://127.0.0.1:${b.port}/health`, Interval: '1s', Timeout: '1s', Status: 'passing' },
  });
const deregister = (b) => put(`/v1/agent/service/deregister/${b.id}`);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
function hit() {
  return new Promise((ok) => {
    const t = now();
    const q = http.get({ host: ph, port: +pp, path: o.path, agent, timeout: 5000 }, (r) => {
      let d = '';
      r.on('data', (c) => {
        d += c;
      });
      r.on('end', () => ok({ code: r.statusCode, id: d, t, ms: now() - t }));
      r.on('error', () => ok({ code: 0, t, ms: now() - t }));
    });
    q.on('timeout', () => q.destroy(new Error('timeout')));
    q.on('error', (e) => ok({ code: 0, err: e.code, t, ms: now() - t }));
  });
}
const log = [];
let on = true,
  phase = 'start';
async function load() {
  // open loop at `rate`
  const t0 = now();
  let n = 0;
  while (on) {
    const due = t0 + (n * 1000) / rate;
    const w = due - now();
    if (w > 0) await sleep(w);
    n++;
    const p = phase;
    hit().then((r) => log.push({ ...r, phase: p }));
  }
}
const q = (a, p) => {
  const s = [...a].sort((x, y) => x - y);
  return s.length ? +s[Math.min(s.length - 1, Math.floor(p * s.length))].toFixed(1) : null;
};
const waitSeen = async (id, since, ms) => {
  const end = now() + ms;
  while (now() < end) {
    const r = log.find((x) => x.id === id && x.t + x.ms > since);
    if (r) return r.t + r.ms - since;
    await sleep(1);
  }
  return null;
};

const a = await backend(+o.base),
  b = await backend(+o.base + 1);
await register(a);
await register(b);
await sleep(+o.settle);
load();
await sleep(500);
const up = [],
  down = [],
  crash = [];
for (let i = 0; i < rounds; i++) {
  const c = await backend(+o.base + 10 + i);
  phase = 'join';
  let t = now();
  await register(c);
  up.push(await waitSeen(c.id, t, 20000));
  await sleep(300);
  phase = 'leave';
  t = now();
  await deregister(c);
  await sleep(Math.min(+o.settle, 8000));
  const last = log.filter((x) => x.id === c.id).reduce((m, x) => Math.max(m, x.t), 0);
  down.push(Math.max(0, last - t));
  await c.drain();
}
for (let i = 0; i < Math.min(rounds, 4); i++) {
  // crash: the process dies without a word, its check must notice
  const c = await backend(+o.base + 40 + i);
  phase = 'join';
  let t = now();
  await register(c);
  await waitSeen(c.id, t, 20000);
  await sleep(500);
  phase = 'crash';
  t = now();
  await c.close();
  await sleep(Math.min(+o.settle, 8000));
  const bad = log.filter((x) => x.phase === 'crash' && x.t >= t && x.code !== 200).map((x) => x.t + x.ms - t);
  crash.push(bad.length ? Math.max(...bad) : 0);
  await deregister(c);
  phase = 'idle';
  await sleep(200);
}
on = false;
await sleep(1500);
await deregister(a);
await deregister(b);
const by = (p) => log.filter((x) => x.phase === p);
const fails = (p) => by(p).filter((x) => x.code !== 200).length;
console.log(
  JSON.stringify({
    label: o.label,
    join_ms: { p50: q(up, 0.5), max: q(up, 1), missing: up.filter((x) => x === null).length },
    leave_ms: { p50: q(down, 0.5), max: q(down, 1) },
    crash_last_error_ms: { p50: q(crash, 0.5), max: q(crash, 1) },
    requests: log.length,
    failed: { join: fails('join'), leave: fails('leave'), crash: fails('crash'), idle: fails('idle') },
  }),
);
process.exit(0);
