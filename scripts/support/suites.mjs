// @ts-check
// The conformance suites: how each one's subject is started and how its runner is called.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeCluster } from './cluster.mjs';
import { inRoot, MUSTER } from './paths.mjs';
import { freePorts, start, until } from './processes.mjs';

/**
 * `runner` is called with `args` (and the user's own after them); `verbose` makes it name the cases that pass.
 * @typedef {object} Suite
 * @property {string} about
 * @property {string} runner
 * @property {string[]} verbose
 * @property {string} [cases] folder of its cases, of which its runner takes another with `--cases`: CI runs its files in two parts
 *   beside each other
 * @property {(folder: string) => Promise<Subject>} subject starts what is tested; `folder` is empty and its own
 *
 * @typedef {object} Subject
 * @property {string[]} args
 * @property {import('./processes.mjs').Running} [program]
 */

const ADDRESS = '127.0.0.1';

/** Every listener of an agent on a port of its own. */
async function agentPorts() {
  const [http = 0, dns = 0, server = 0, lan = 0, wan = 0, proxy = 0, admin = 0] = await freePorts(7);
  return { http, dns, server, lan, wan, proxy, admin };
}

/** @param {{ proxy: number, admin: number }} ports */
const balancerFlags = ({ proxy, admin }) => [
  `-balancer-listen=${ADDRESS}:${proxy}`,
  `-balancer-admin=${ADDRESS}:${admin}`,
];

/** This machine does not allow what a suite tests. */
export class NotHere extends Error {}

/** Exit code of Muster for flags and configurations that it does not know. */
const USAGE = 2;

/** @param {string[]} flags @param {{ http: number }} ports */
function startAgent(flags, ports) {
  return whenLed(start(process.execPath, [MUSTER, 'agent', ...flags]), ports);
}

/** @param {import('./processes.mjs').Running} program @param {{ http: number }} ports */
async function whenLed(program, ports) {
  const hasLeader = async () => {
    const answer = await fetch(`http://${ADDRESS}:${ports.http}/v1/status/leader`);
    return answer.ok && (await answer.text()).length > 2;
  };
  try {
    await until('the agent to have a leader', hasLeader, { program, ms: 60_000 });
  } catch (error) {
    await program.kill();
    throw error;
  }
  return program;
}

/** An agent in memory, as `consul agent -dev`. */
async function devAgent() {
  const ports = await agentPorts();
  const program = await startAgent(
    [
      '-dev',
      '-node=conf-1',
      `-http-port=${ports.http}`,
      `-dns-port=${ports.dns}`,
      '-grpc-port=-1',
      `-server-port=${ports.server}`,
      `-serf-lan-port=${ports.lan}`,
      `-serf-wan-port=${ports.wan}`,
      ...balancerFlags(ports),
    ],
    ports,
  );
  return { program, ports };
}

/**
 * An agent with one of the suites' configuration files, on free ports.
 * @param {string} file
 * @param {string} folder
 */
async function configuredAgent(file, folder) {
  const ports = await agentPorts();
  const config = JSON.parse(readFileSync(inRoot('test', 'conformance', file), 'utf8'));
  config.ports = {
    http: ports.http,
    dns: ports.dns,
    serf_lan: ports.lan,
    serf_wan: ports.wan,
    server: ports.server,
  };
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify(config));
  mkdirSync(join(folder, 'data'));
  const program = await startAgent(
    ['-config-file', path, '-data-dir', join(folder, 'data'), ...balancerFlags(ports)],
    ports,
  );
  return { program, ports };
}

/**
 * Three servers on an etcd each, and an agent in front of them, all on this machine; the agent is what is tested.
 * @param {string} folder
 */
async function clusterAgent(folder) {
  const { servers, clients } = await describeCluster(folder, { clients: 1 });
  const [client] = /** @type {[import('./cluster.mjs').Node]} */ (clients);
  const others = servers.map((server) => server.start());
  const endOthers = () => Promise.all(others.map((other) => other.kill()));
  const program = await whenLed(client.start(), client.ports).catch(async (error) => {
    await endOthers();
    throw error;
  });
  const { stop } = program;
  program.stop = async (...how) => {
    const exit = await stop(...how);
    await endOthers();
    return exit;
  };
  return { program, ports: client.ports };
}

/** @param {{ http: number, dns: number }} ports */
const httpAndDns = ({ http, dns }) => ['--http', `${ADDRESS}:${http}`, '--dns', `${ADDRESS}:${dns}`];

/** The limits that the README of the http suite asks for. */
const HTTP_LIMITS = [
  '-timeout-head=3s',
  '-timeout-keepalive=3s',
  '-timeout-body=3s',
  '-timeout-response=3s',
  '-timeout-silence=3s',
  '-timeout-connect=1s',
];

/**
 * @param {string} about
 * @param {string} transport
 * @returns {Suite}
 */
function httpSuite(about, transport) {
  return {
    about,
    runner: 'http/run.mjs',
    verbose: ['--verbose', '--slow'],
    async subject() {
      const [port = 0, backend = 0] = await freePorts(2);
      const [proxy, upstream] = [`${ADDRESS}:${port}`, `${ADDRESS}:${backend}`];
      const program = start(
        process.execPath,
        [MUSTER, 'lb', ...['-listen', proxy, '-upstream', upstream], ...HTTP_LIMITS],
        { env: { MUSTER_TRANSPORT: transport } },
      );
      // Not by a request: the backend is not there yet, and would count as failed.
      const listens = async () => program.output().includes('balancing');
      try {
        await until('the balancer to listen', listens, { program });
      } catch (error) {
        const { code } = await program.kill();
        if (code === USAGE) throw new NotHere(program.output().trim());
        throw error;
      }
      return { program, args: ['--proxy', proxy, '--backend', upstream, '--pid', String(program.pid)] };
    },
  };
}

/**
 * @param {string} about
 * @param {string} transport "": whichever works
 * @param {string[]} verbose
 * @returns {Suite}
 */
function l4Suite(about, transport, verbose) {
  return {
    about,
    runner: 'l4/run.mjs',
    cases: 'l4/cases',
    verbose,
    async subject(folder) {
      const [base = 0] = await freePorts(110, { inARow: true });
      const bin = `env MUSTER_TRANSPORT=${transport} ${process.execPath} ${MUSTER} lb -c {config}`;
      return { args: ['--bin', bin, '--port-base', String(base), '--tmp', folder] };
    },
  };
}

/**
 * @param {string} about
 * @param {string[]} more arguments; those that say which cases have it run whole
 * @returns {Suite}
 */
function routingSuite(about, more) {
  return {
    about,
    runner: 'routing/run.mjs',
    ...(more.length === 0 ? { cases: 'routing/cases' } : {}),
    verbose: [],
    async subject(folder) {
      const { program, ports } = await devAgent();
      const [base = 0] = await freePorts(110, { inARow: true });
      const lb = `${process.execPath} ${MUSTER} lb -cfg {config}`;
      const place = ['--port-base', String(base), '--tmp', folder];
      return { program, args: ['--http', `${ADDRESS}:${ports.http}`, '--lb', lb, ...place, ...more] };
    },
  };
}

/**
 * Those that take longest first: in this order they are begun.
 * @type {Record<string, Suite>}
 */
export const SUITES = {
  'consul-cluster': {
    about: "Consul's HTTP API and DNS, through an agent in front of three servers",
    runner: 'run.mjs',
    verbose: ['--verbose'],
    async subject(folder) {
      const { program, ports } = await clusterAgent(folder);
      return { program, args: httpAndDns(ports) };
    },
  },
  routing: routingSuite("fabio's routes and settings", []),
  'http-uring': httpSuite("the balancer's HTTP/1.1 on io_uring", 'uring'),
  consul: {
    about: 'the same of an agent alone',
    runner: 'run.mjs',
    verbose: ['--verbose'],
    async subject() {
      const { program, ports } = await devAgent();
      return { program, args: httpAndDns(ports) };
    },
  },
  // On io_uring where it works; and what limits and timeouts do once more on Node's sockets.
  l4: l4Suite("gobetween's TCP, TLS and UDP balancing", process.env.MUSTER_TRANSPORT ?? '', []),
  // On Node's sockets unless the environment says otherwise, so that both transports are tested wherever both work.
  http: httpSuite("the balancer's HTTP/1.1", process.env.MUSTER_TRANSPORT ?? 'net'),
  template: {
    about: "consul-template's language and flags",
    runner: 'template/run.mjs',
    cases: 'template/cases',
    verbose: [],
    async subject(folder) {
      const { program, ports } = await devAgent();
      const bin = `${process.execPath} ${MUSTER} template`;
      return { program, args: ['--bin', bin, '--http', `${ADDRESS}:${ports.http}`, '--tmp', folder] };
    },
  },
  'l4-net': l4Suite("its limits and timeouts on Node's sockets", 'net', ['--only', 'limits: ']),
  'consul-options': {
    about: "what Consul's configuration file can switch on",
    runner: 'run.mjs',
    verbose: ['--verbose'],
    async subject(folder) {
      const { program, ports } = await configuredAgent('agent-options.json', folder);
      return { program, args: [...httpAndDns(ports), '--options'] };
    },
  },
  'consul-acl': {
    about: 'access control lists',
    runner: 'run.mjs',
    verbose: ['--verbose'],
    async subject(folder) {
      const { program, ports } = await configuredAgent('agent-acl.json', folder);
      return { program, args: [...httpAndDns(ports), '--token', '11111111-2222-3333-4444-555555555555'] };
    },
  },
  'routing-more': routingSuite('the same, in cases of our own', [
    '--cases',
    inRoot('test', 'conformance-more', 'routing'),
  ]),
};
