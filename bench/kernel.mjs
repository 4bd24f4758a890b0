// @ts-check
// npm run bench -- kernel: flows balanced by the kernel, beside plain routing and HAProxy, in the same namespaces.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hosts, whyNoNamespaces } from '../scripts/support/namespaces.mjs';
import { MUSTER } from '../scripts/support/paths.mjs';
import { runToEnd, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { busyTime } from './cpu.mjs';
import { median, ratioOf, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { errorsOf, wrk } from './wrk.mjs';

const PROXY_CORE = '0';
const OTHER_CORE = '1';
const VIP = '10.79.0.1';
const BACKEND = '10.79.1.2';

/** @typedef {{ way: string, kind: string, round: number, us: number, rate: number, p99: number, errors: string }} Run */

/** Where each way takes a client in. */
const WAYS = /** @type {const} */ ({
  routed: `http://${BACKEND}:8080/`,
  'muster, kernel': `http://${VIP}:80/`,
  'haproxy, tcp': `http://${VIP}:81/`,
});
const KINDS = /** @type {const} */ ({ 'keep-alive': false, 'new connection': true });

/** @param {string} folder @param {Hosts} hosts */
async function build(folder, hosts) {
  const [client, balancer, backend] = /** @type {const} */ (['client', 'lb', 'backend']).map((name) =>
    hosts.add(name),
  );
  if (client === undefined || balancer === undefined || backend === undefined) throw new Error('no hosts');
  hosts.link([client, '10.79.0.2/24'], [balancer, `${VIP}/24`]);
  hosts.link([backend, `${BACKEND}/24`], [balancer, '10.79.1.1/24']);
  hosts.route(client, '10.79.1.0/24', VIP);
  hosts.route(backend, '10.79.0.0/24', '10.79.1.1');
  hosts.run(balancer, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  // A port that is waited for is one connection less.
  for (const host of [client, balancer])
    hosts.run(host, 'sysctl', '-qw', 'net.ipv4.tcp_tw_reuse=1', 'net.ipv4.ip_local_port_range=10000 65000');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(join(folder, 'index.html'), 'x'.repeat(128));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; ${user} worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 9000; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2;
fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
server { listen ${BACKEND}:8080 backlog=4096; root ${folder}; } }
`,
  );
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    `global
  maxconn 9000
  nbthread 1
defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
listen in
  bind ${VIP}:81
  server one ${BACKEND}:8080
`,
  );
  writeFileSync(
    join(folder, 'muster.toml'),
    `[node]
dev = true
[balancer]
enabled = false
kernel = [{ address = "${VIP}:80", service = "web" }]
[[service]]
name = "web"
address = "${BACKEND}"
port = 8080
check = { ttl = "24h", status = "passing" }
`,
  );
  /** @param {string} host @param {string} cpu @param {string[]} command */
  const on = (host, cpu, ...command) => start('ip', ['netns', 'exec', host, ...command], { cpu });
  const programs = [
    on(backend, OTHER_CORE, 'nginx', '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')),
    on(balancer, PROXY_CORE, 'haproxy', '-db', '-f', join(folder, 'haproxy.cfg')),
    on(balancer, PROXY_CORE, process.execPath, MUSTER, 'agent', '-config-file', join(folder, 'muster.toml')),
  ];
  for (const url of Object.values(WAYS))
    await until(`an answer at ${url}`, async () => {
      const { code } = await runToEnd('ip', [
        'netns',
        'exec',
        client,
        'curl',
        '-sf',
        '-m',
        '1',
        '-o',
        '/dev/null',
        url,
      ]);
      return code === 0;
    });
  return { client, programs };
}

/** @param {string[]} argv */
export async function kernelBench(argv) {
  const chosen = options(argv, { rounds: '3', seconds: '5', connections: '64' });
  const [rounds, seconds, connections] = ['rounds', 'seconds', 'connections'].map((name) =>
    numberOption(chosen, name),
  );
  const reason = whyNoNamespaces();
  if (reason !== '') {
    process.stderr.write(`bench: ${reason}\n`);
    return 1;
  }
  const facts = conditions();
  printConditions(facts);
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const hosts = new Hosts();
  /** @type {Run[]} */
  const runs = [];
  /** @type {import('../scripts/support/processes.mjs').Running[]} */
  let programs = [];
  try {
    const built = await build(folder, hosts);
    programs = built.programs;
    const busy = () => busyTime(PROXY_CORE) + busyTime(OTHER_CORE);
    for (let round = 1; round <= (rounds ?? 1); round++)
      for (const [kind, close] of Object.entries(KINDS))
        for (const [way, url] of Object.entries(WAYS)) {
          const before = busy();
          const load = {
            seconds: seconds ?? 5,
            connections: connections ?? 64,
            cpu: OTHER_CORE,
            close,
            host: built.client,
          };
          const figures = await wrk(url, load);
          const us = (busy() - before) / figures.requests;
          const rate = figures.requests / (figures.us / 1e6);
          runs.push({ way, kind, round, us, rate, p99: figures.p99 / 1000, errors: errorsOf(figures) });
          say('bench', `round ${round}  ${kind.padEnd(14)}  ${way.padEnd(14)}  ${us.toFixed(1)} µs`);
        }
  } finally {
    for (const program of programs) await program.stop();
    hosts.remove();
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`\n${report(runs)}\n`);
  keep('kernel', { conditions: facts, options: chosen, runs });
  const faults = runs.filter(({ errors }) => errors !== '');
  for (const { way, kind, errors } of faults) process.stdout.write(`errors: ${way}, ${kind}: ${errors}\n`);
  return faults.length > 0 ? 1 : 0;
}

/** @param {Run[]} runs */
function report(runs) {
  const rows = Object.keys(KINDS).flatMap((kind) =>
    Object.keys(WAYS).map((way) => {
      /** @param {string} one */
      const of = (one) => runs.filter((run) => run.kind === kind && run.way === one);
      const own = of(way);
      return [
        `${kind}, ${way}`,
        median(own.map(({ rate }) => rate)),
        median(own.map(({ us }) => us)),
        median(own.map(({ p99 }) => p99)),
        ratioOf(own, of('haproxy, tcp'), ({ us }) => us).toFixed(2),
      ];
    }),
  );
  return table(['', 'requests/s', 'both cores µs', 'p99 ms', 'to HAProxy'], rows);
}
