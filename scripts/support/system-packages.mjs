// @ts-check
// Programs of the operating system that tests and benchmarks use for real.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { findCommand } from './paths.mjs';
import { listProcesses, runToEnd } from './processes.mjs';
import { Failure, say, step } from './say.mjs';

/**
 * `variable`: names an own copy of the program. `daemon`: the service that the Debian package starts, which we
 * do not want running; `process`: the name of its process where that is another.
 * `commands`: names on the path, or absolute where a package brings no program.
 * @typedef {{ commands: string[], debian: string, why: string, variable?: string, daemon?: string, process?: string }}
 * SystemPackage
 * @typedef {'test' | 'bench'} Purpose
 */

/** Chromium without windows: in the whole of it a page takes a third more of the processor. @type {SystemPackage} */
export const BROWSER = {
  commands: ['chromium-headless-shell'],
  debian: 'chromium-headless-shell',
  why: 'opens the dashboard',
  variable: 'CHROMIUM',
};

/** @type {Record<Purpose, SystemPackage[]>} */
export const SYSTEM_PACKAGES = {
  test: [
    BROWSER,
    {
      commands: ['dockerd'],
      debian: 'docker.io',
      why: 'has the containers that docker checks look into',
      daemon: 'docker',
      process: 'dockerd',
    },
    { commands: ['docker'], debian: 'docker.io', why: 'builds our image' },
    { commands: ['podman'], debian: 'podman', why: 'is another engine for the registrator' },
    { commands: ['busybox'], debian: 'busybox-static', why: 'is the program in those containers' },
    { commands: ['nft'], debian: 'nftables', why: 'tells the kernel how to balance' },
    {
      commands: ['etcd'],
      debian: 'etcd-server',
      why: 'keeps the catalog of a cluster',
      daemon: 'etcd',
    },
    { commands: ['etcdctl'], debian: 'etcd-client', why: 'sets up users in it' },
    { commands: ['packer'], debian: 'packer', why: 'validates the template of the image for clouds' },
    { commands: ['ip'], debian: 'iproute2', why: 'makes hosts and networks out of namespaces' },
    { commands: ['dig'], debian: 'bind9-dnsutils', why: 'asks over DNS' },
    { commands: ['dnsmasq'], debian: 'dnsmasq-base', why: 'forwards DNS to us, and answers what we forward' },
    {
      commands: ['haproxy'],
      debian: 'haproxy',
      why: 'takes its servers from DNS, templates and over its socket',
      daemon: 'haproxy',
    },
    { commands: ['nginx'], debian: 'nginx-light', why: 'takes its servers from a template', daemon: 'nginx' },
    { commands: ['openssl'], debian: 'openssl', why: 'makes certificates, and is a client of TLS' },
    { commands: ['curl'], debian: 'curl', why: 'asks over HTTP/1.1 and HTTP/2, on hosts of their own too' },
    {
      commands: ['h2load', 'nghttp'],
      debian: 'nghttp2-client',
      why: 'asks over HTTP/2, many streams at a time',
    },
    {
      commands: ['promtool'],
      debian: 'prometheus',
      why: 'checks figures and alert rules',
      daemon: 'prometheus',
    },
    { commands: ['systemd-analyze'], debian: 'systemd', why: 'checks the units' },
    { commands: ['man'], debian: 'man-db', why: 'reads the manual pages' },
    { commands: ['fish'], debian: 'fish', why: 'completes commands' },
    { commands: ['zsh'], debian: 'zsh', why: 'completes commands' },
    {
      commands: ['/usr/lib/python3/dist-packages/consul/__init__.py'],
      debian: 'python3-consul',
      why: 'is a client of the registry',
    },
    { commands: ['dnsperf'], debian: 'dnsperf', why: 'asks over DNS, thousands of times' },
    {
      commands: ['pebble-challtestsrv'],
      debian: 'pebble',
      why: 'is an authority that gives certificates by ACME',
    },
    {
      commands: ['patroni'],
      debian: 'patroni',
      why: 'keeps a leader by the locks of the registry',
      daemon: 'patroni',
    },
    {
      commands: ['pg_createcluster'],
      debian: 'postgresql',
      why: 'is what it leads',
      daemon: 'postgresql',
      process: 'postgres',
    },
  ],
  bench: [
    { commands: ['wrk'], debian: 'wrk', why: 'makes load' },
    { commands: ['h2load'], debian: 'nghttp2-client', why: 'makes load of long answers' },
    { commands: ['haproxy'], debian: 'haproxy', why: 'is compared with', daemon: 'haproxy' },
    { commands: ['nginx'], debian: 'nginx-light', why: 'is the backend, and compared with', daemon: 'nginx' },
    { commands: ['dnsperf'], debian: 'dnsperf', why: 'asks over DNS' },
    { commands: ['dnsmasq'], debian: 'dnsmasq-base', why: 'is compared with' },
    { commands: ['openssl'], debian: 'openssl', why: 'makes the certificate' },
    { commands: ['taskset'], debian: 'util-linux', why: 'pins programs to a core' },
  ],
};

/** Where a program is: the one named by the environment, else the first on the path. @param {SystemPackage} wanted */
export function locate({ commands, variable }) {
  const named = variable === undefined ? undefined : process.env[variable];
  if (named) return existsSync(named) ? named : undefined;
  return commands
    .map((command) =>
      isAbsolute(command) ? (existsSync(command) ? command : undefined) : findCommand(command),
    )
    .find((path) => path !== undefined);
}

/**
 * Which of these programs a test has to do without, as "packer (Debian: packer)". The set-up installs them: in CI (`CI=true`), where it
 * has run, this throws in their place, so that nothing goes untested unseen. What only the machine can give (root, cgroups, io_uring)
 * is not asked for here; tests may skip with that as the reason.
 * @param {string[]} commands
 * @returns {string[]}
 */
export function missingPrograms(...commands) {
  const missing = commands.flatMap((command) => {
    const one = SYSTEM_PACKAGES.test.find((wanted) => wanted.commands.includes(command));
    if (one === undefined) throw new Error(`SYSTEM_PACKAGES has to name ${command}`);
    return locate(one) === undefined ? [`${command} (Debian: ${one.debian})`] : [];
  });
  if (missing.length > 0 && process.env.CI === 'true')
    throw new Error(`scripts/setup.mjs has not installed ${missing.join(', ')}`);
  return missing;
}

/** How to become root here without a question, or undefined. */
async function asRoot() {
  if (process.getuid?.() === 0) return [];
  if (findCommand('sudo') === undefined) return undefined;
  const { code } = await runToEnd('sudo', ['-n', 'true']);
  return code === 0 ? ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND,RUNLEVEL'] : undefined;
}

/** No package lists yet, as in a fresh container. */
function listsAreMissing() {
  try {
    return !readdirSync('/var/lib/apt/lists').some(
      (name) => name.endsWith('_Packages') || name.includes('_Packages.'),
    );
  } catch {
    return true;
  }
}

/** Processes of a package's daemon. @param {SystemPackage} wanted */
function runningDaemons({ daemon, process: name = daemon }) {
  return listProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
    } catch {
      return false;
    }
  });
}

/**
 * Installs what is missing, where we may; else says what is missing and how to get it.
 * @param {Purpose} purpose
 */
export async function ensureSystemPackages(purpose) {
  const missing = SYSTEM_PACKAGES[purpose].filter((one) => locate(one) === undefined);
  if (missing.length === 0) return;
  for (const { debian, why } of missing) say('setup', `missing: ${debian} (${why})`);
  const names = [...new Set(missing.map((one) => one.debian))];
  const remedy = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  const named = missing.flatMap(({ variable }) => (variable && process.env[variable] ? [variable] : []));
  if (named.length > 0) throw new Failure(`setup: ${named.join(' and ')} names a program that is not there`);
  const root = findCommand('apt-get') === undefined ? undefined : await asRoot();
  if (root === undefined) {
    throw new Failure(
      `setup: this needs ${names.join(', ')}. Install them, on Debian with\n  sudo ${remedy}`,
    );
  }

  const running = new Map(missing.flatMap((one) => (one.daemon ? [[one, runningDaemons(one)]] : [])));
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  /** @param {string[]} args */
  const apt = (args) => {
    const [command, ...rest] = /** @type {[string, ...string[]]} */ ([...root, 'apt-get', ...args]);
    return runToEnd(command, rest, { env });
  };
  const install = () => apt(['install', '-y', '--no-install-recommends', ...names]);
  const update = () => step('setup', 'reading package lists (apt-get update)', () => apt(['update']));
  if (listsAreMissing()) await update();
  let result = await step('setup', `installing ${names.join(', ')} (apt-get install)`, install);
  if (result.code !== 0) {
    // Old lists name versions that the mirror no longer has.
    await update();
    result = await step('setup', 'trying once more', install);
  }
  if (result.code !== 0)
    throw new Failure(
      `${result.output}\nsetup: apt-get failed. When its mirror answers, try again, or by hand:\n  sudo ${remedy}`,
    );

  for (const [one, before] of running) await stopFreshDaemon(root, one, before);
}

/**
 * Some packages start their service right after installation. What was not running before is stopped again and
 * will not start at the next boot.
 * @param {string[]} root
 * @param {SystemPackage} wanted
 * @param {number[]} before
 */
async function stopFreshDaemon(root, wanted, before) {
  const { daemon = '' } = wanted;
  if (before.length > 0) return;
  const systemd = existsSync('/run/systemd/system');
  if (!systemd && runningDaemons(wanted).length === 0) return;
  say('setup', `stopping the service ${daemon}, which its package started`);
  const argv = systemd ? ['systemctl', 'disable', '--now', daemon] : ['service', daemon, 'stop'];
  const [command, ...args] = /** @type {[string, ...string[]]} */ ([...root, ...argv]);
  const { code, output } = await runToEnd(command, args);
  if (code !== 0) say('setup', `could not stop it: ${output.trim()}`);
}
