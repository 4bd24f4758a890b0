// @ts-check
// The proxies that are compared, each with one thread, keep-alive to the backend and X-Forwarded-For.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand, MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, pause, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { UsageFailure } from '../scripts/support/say.mjs';
import { listenersOn } from './cpu.mjs';
import { hasOriginal, startFabio } from './originals.mjs';

/**
 * Where a proxy is started. `pem`: a file with certificate and key, for those that speak TLS; `floor`: the program of that name, where
 * there is one; `callsHttp2`: the backend is asked over HTTP/2, by those that can.
 * @typedef {{ folder: string, pem: string, backend: number, floor?: string, callsHttp2?: boolean, cpu: string }} Place
 */

/**
 * Starts a proxy on `port` in front of the backend.
 * @typedef {(place: Place & { port: number }) => Promise<import('../scripts/support/processes.mjs').Running>} Subject
 */

/** More connections than any run opens, below this system's usual limit of open files. */
const MAX_CONNECTIONS = 9_000;

/** The same for all over TLS, with no session resumed: a new connection is a whole handshake. */
const CIPHER = 'TLS_AES_128_GCM_SHA256';

/** What the least of a proxy costs: a relay in C that does nothing but relay, of whoever measures. Called with its port and the backend's. */
const FLOOR = 'floor';

/** One of the originals: not in Debian, so it is compared where it is installed. */
const FABIO = 'fabio';

/** @type {Subject} */
async function startFloor({ floor = '', port, backend, cpu }) {
  return start(floor, [String(port), String(backend)], { cpu });
}

/** Compiles it: the answer is the program. @param {string} folder @param {string} source */
export async function buildFloor(folder, source) {
  const program = join(folder, FLOOR);
  const { code, output } = await runToEnd('cc', ['-O2', '-o', program, source]);
  if (code !== 0) throw new Error(`${source} cannot be compiled:\n${output}`);
  return program;
}

/** @type {Record<string, Subject>} */
const HTTP_SUBJECTS = {
  async muster({ port, backend, cpu }) {
    return startMuster('http', port, backend, cpu, { MUSTER_TRANSPORT: 'uring' });
  },

  async 'muster-net'({ port, backend, cpu }) {
    return startMuster('http', port, backend, cpu, { MUSTER_TRANSPORT: 'net' });
  },

  async haproxy({ folder, port, backend, cpu }) {
    const http = '  timeout http-keep-alive 60s\n  option forwardfor\n';
    return startHaproxy(folder, 'http', http, '  http-reuse always\n', { port, backend, cpu });
  },

  async nginx({ folder, port, backend, cpu }) {
    return startNginx(
      folder,
      'proxy',
      nginxProxy(backend, `    listen 127.0.0.1:${port} backlog=4096;\n`),
      cpu,
    );
  },

  async [FABIO]({ port, backend, cpu }) {
    return startFabio({ port, cpu, routes: `route add out / http://127.0.0.1:${backend}/` });
  },

  [FLOOR]: startFloor,
};

/** HTTP over TLS 1.3 from clients, in clear text to the backend. @type {Record<string, Subject>} */
const HTTPS_SUBJECTS = {
  async muster(place) {
    return startMusterTls(place, { MUSTER_TRANSPORT: 'uring' });
  },

  async 'muster-net'(place) {
    return startMusterTls(place, { MUSTER_TRANSPORT: 'net' });
  },

  async haproxy({ folder, port, pem, backend, callsHttp2, cpu }) {
    const http = '  timeout http-keep-alive 60s\n  option forwardfor\n';
    const server = callsHttp2 ? ' proto h2' : '';
    const tls = ` ssl crt ${pem} ssl-min-ver TLSv1.3 no-tls-tickets ciphersuites ${CIPHER} alpn h2,http/1.1`;
    return startHaproxy(folder, 'http', http, '  http-reuse always\n', { port, backend, cpu }, tls, server);
  },

  async nginx({ folder, port, pem, backend, cpu }) {
    const tls = `    listen 127.0.0.1:${port} ssl backlog=4096;
    ssl_certificate ${pem};
    ssl_certificate_key ${pem};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites ${CIPHER};
    ssl_session_cache off;
    ssl_session_tickets off;
`;
    return startNginx(folder, 'proxy', nginxProxy(backend, tls), cpu);
  },
};

/** @param {number} backend @param {string} listen lines of the server's section */
function nginxProxy(backend, listen) {
  return `  upstream out { server 127.0.0.1:${backend}; keepalive 256; keepalive_requests 100000000; }
  proxy_buffers 16 16k;
  proxy_buffer_size 16k;
  proxy_max_temp_file_size 0;
  server {
${listen}    location / {
      proxy_pass http://out;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
`;
}

/** Connections as they are. @type {Record<string, Subject>} */
const TCP_SUBJECTS = {
  async muster({ port, backend, cpu }) {
    return startMuster('tcp', port, backend, cpu, { MUSTER_TRANSPORT: 'uring' });
  },

  async 'muster-net'({ port, backend, cpu }) {
    return startMuster('tcp', port, backend, cpu, { MUSTER_TRANSPORT: 'net' });
  },

  async haproxy({ folder, port, backend, cpu }) {
    return startHaproxy(folder, 'tcp', '', '', { port, backend, cpu });
  },

  async [FABIO]({ port, backend, cpu }) {
    const routes = `route add out :${port} tcp://127.0.0.1:${backend}`;
    return startFabio({ port, cpu, routes, listen: ';proto=tcp' });
  },

  [FLOOR]: startFloor,
};

/** By what they speak. */
export const SUBJECTS = /** @type {const} */ ({
  http: HTTP_SUBJECTS,
  https: HTTPS_SUBJECTS,
  tcp: TCP_SUBJECTS,
});

/** @typedef {keyof typeof SUBJECTS} Protocol */

/** All that can be measured; the floor and what is not in Debian only where they are. @param {Protocol} protocol @param {string} floor */
export function subjectsOf(protocol, floor = '') {
  const isThere = (/** @type {string} */ name) =>
    name === FLOOR ? floor !== '' : name !== FABIO || hasOriginal(FABIO);
  return Object.keys(SUBJECTS[protocol]).filter(isThere);
}

/**
 * Starts a subject on a port of its own, calls `use` with it once it answers, and ends it.
 * @template Outcome
 * @param {string} name
 * @param {Place & { protocol: Protocol }} place
 * @param {(url: string, program: import('../scripts/support/processes.mjs').Running) => Promise<Outcome>} use
 * @returns {Promise<Outcome>}
 */
export async function withSubject(name, { folder, protocol, ...place }, use) {
  const known = SUBJECTS[protocol];
  const startSubject = known[name];
  if (startSubject === undefined)
    throw new UsageFailure(`no proxy ${name}; known: ${Object.keys(known).join(', ')}`);
  const [port = 0] = await freePorts(1);
  if (listenersOn(port) > 0) throw new Error(`something listens on port ${port} already`);
  const own = mkdtempSync(join(folder, `${name}-`));
  const program = await startSubject({ ...place, folder: own, port });
  const url = `${protocol === 'https' ? 'https' : 'http'}://127.0.0.1:${port}`;
  try {
    await until(`${name} to answer`, () => body(`${url}/128`), { program });
    return await use(url, program);
  } finally {
    await program.stop('SIGTERM', 5_000);
    await until(`${name} to let go of its port`, () => listenersOn(port) === 0);
    await pause(300);
  }
}

/** A subject that runs. @typedef {{ name: string, url: string, pids: () => number[] }} Started */

/**
 * All subjects at once: those that nobody asks cost nothing, and what is compared is asked within seconds of each other.
 * @param {readonly string[]} names
 * @param {Place & { protocol: Protocol }} place
 * @param {(started: Started[]) => Promise<void>} use
 * @param {Started[]} [started]
 * @returns {Promise<void>}
 */
export function withAll([name, ...others], place, use, started = []) {
  if (name === undefined) return use(started);
  return withSubject(name, place, (url, program) =>
    withAll(others, place, use, [...started, { name, url, pids: () => program.family() }]),
  );
}

/**
 * A folder, a certificate and the backend for as long as `use` runs.
 * @template Outcome
 * @param {string} cpu the backend's
 * @param {(ground: { folder: string, pem: string, backend: number, http2Backend: number }) => Promise<Outcome>} use `http2Backend`: the port where it
 *   speaks HTTP/2 only
 * @returns {Promise<Outcome>}
 */
export async function withBackend(cpu, use) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [port = 0, http2Backend = 0] = await freePorts(2);
  const program = startBackend(folder, port, http2Backend, cpu);
  try {
    const pem = await makeCertificate(folder);
    await until('the backend to answer', () => body(`http://127.0.0.1:${port}/128`), { program });
    return await use({ folder, pem, backend: port, http2Backend });
  } finally {
    await program.stop('SIGTERM', 5_000);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The body of an answer of 200. @param {string} url @returns {Promise<string>} */
export function body(url) {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? https.get : http.get;
    get(url, { agent: false, rejectUnauthorized: false }, (response) => {
      /** @type {Buffer[]} */
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts).toString());
        else reject(new Error(`${url}: ${response.statusCode} ${Buffer.concat(parts)}`));
      });
    }).on('error', reject);
  });
}

/** @param {string} protocol @param {number} port @param {number} backend @param {string} cpu @param {NodeJS.ProcessEnv} env */
function startMuster(protocol, port, backend, cpu, env = {}) {
  const words = ['-listen', `127.0.0.1:${port}`, '-upstream', `127.0.0.1:${backend}`];
  return start(process.execPath, [MUSTER, 'lb', '-protocol', protocol, ...words], { cpu, env });
}

/** @param {Place & { port: number }} place @param {NodeJS.ProcessEnv} env */
function startMusterTls({ port, pem, backend, callsHttp2, cpu }, env) {
  const listen = ['-listen-tls', `127.0.0.1:${port}`, '-upstream', `127.0.0.1:${backend}`];
  const tls = ['-tls-cert', pem, '-tls-ciphers', CIPHER, '-tls-no-tickets'];
  const calls = callsHttp2 ? ['-options', 'proto=grpc'] : [];
  return start(process.execPath, [MUSTER, 'lb', ...listen, ...tls, ...calls], { cpu, env });
}

/**
 * @param {string} folder
 * @param {string} mode
 * @param {string} defaults lines of its section
 * @param {string} out lines of the backend's section
 * @param {{ port: number, backend: number, cpu: string }} place
 * @param {string} bind what else stands behind its address
 * @param {string} server the same of the backend's
 */
function startHaproxy(folder, mode, defaults, out, { port, backend, cpu }, bind = '', server = '') {
  const path = join(folder, 'haproxy.cfg');
  writeFileSync(
    path,
    `global
  maxconn ${MAX_CONNECTIONS}
  nbthread 1
  tune.ssl.cachesize 0
defaults
  mode ${mode}
  timeout connect 2s
  timeout client 60s
  timeout server 60s
${defaults}frontend in
  bind 127.0.0.1:${port}${bind}
  default_backend out
backend out
${out}  server one 127.0.0.1:${backend}${server}
`,
  );
  return start(findCommand('haproxy') ?? 'haproxy', ['-db', '-f', path], { cpu });
}

/**
 * nginx with one worker and everything it writes in `folder`.
 * @param {string} folder
 * @param {string} name
 * @param {string} http lines within the http block
 * @param {string} cpu
 */
function startNginx(folder, name, http, cpu) {
  const path = join(folder, `nginx-${name}.conf`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${folder}/${name}-${kind};\n`)
    .join('');
  // Started by root, nginx would run its worker as somebody who may not read our folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  writeFileSync(
    path,
    `daemon off;
${user}worker_processes 1;
pid ${folder}/${name}.pid;
error_log ${folder}/${name}-error.log;
events { worker_connections ${MAX_CONNECTIONS}; }
http {
  access_log off;
  keepalive_timeout 60s;
  keepalive_requests 100000000;
${temporary}${http}}
`,
  );
  return start(findCommand('nginx') ?? 'nginx', ['-c', path, '-e', `${folder}/${name}-error.log`], { cpu });
}

/** A certificate for 127.0.0.1 on P-256 with its key, in one file: the answer is where. @param {string} folder */
async function makeCertificate(folder) {
  const [key, cert, pem] = [join(folder, 'bench.key'), join(folder, 'bench.crt'), join(folder, 'bench.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const subject = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const words = ['req', '-x509', ...curve, '-nodes', '-days', '30', ...subject, '-keyout', key, '-out', cert];
  const { code, output } = await runToEnd('openssl', words);
  if (code !== 0) throw new Error(`openssl made no certificate:\n${output}`);
  writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  return pem;
}

/** Sizes of the bodies that the backend has, by path. */
export const BODIES = /** @type {const} */ ({ '/128': 128, '/10k': 10_240, '/200k': 204_800 });

/** Every byte of a body depends on its place, so that a shifted or mixed-up answer shows. @param {number} size */
export function bodyOf(size) {
  return Array.from({ length: Math.ceil(size / 8) }, (_, i) => i.toString(16).padStart(7, '0'))
    .join('.')
    .padEnd(size, '.')
    .slice(0, size);
}

/**
 * The backend: nginx with the bodies as files.
 * @param {string} folder
 * @param {number} port
 * @param {number} http2Port
 * @param {string} cpu
 */
function startBackend(folder, port, http2Port, cpu) {
  for (const [path, size] of Object.entries(BODIES)) writeFileSync(join(folder, path), bodyOf(size));
  return startNginx(
    folder,
    'backend',
    `  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    listen 127.0.0.1:${http2Port} http2 backlog=4096;
    root ${folder};
    default_type text/plain;
    rewrite ^/route- /128;
  }
`,
    cpu,
  );
}
