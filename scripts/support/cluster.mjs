// @ts-check
// Servers on an etcd each and agents in front of them, all on this machine, every listener on a port of its own.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUSTER } from './paths.mjs';
import { freePorts, start } from './processes.mjs';

const ADDRESS = '127.0.0.1';

/**
 * A node of the cluster. `start` begins it, and begins it again on what it kept.
 * @typedef {object} Node
 * @property {string} name
 * @property {string} api "host:port"
 * @property {string} links "host:port", as `/v1/status/leader` names a server
 * @property {{ http: number, dns: number, server: number, lan: number, wan: number, proxy: number, admin: number }} ports
 * @property {() => import('./processes.mjs').Running} start
 */

/**
 * Nothing is started yet.
 * @param {string} folder empty, of its own
 * @param {{ servers?: number, clients: number, flags?: string[] }} options three servers unless told otherwise
 */
export async function describeCluster(folder, { servers = 3, clients, flags = [] }) {
  const key = randomBytes(32).toString('base64');
  const names = [
    ...Array.from({ length: servers }, (_, at) => `server-${at + 1}`),
    ...Array.from({ length: clients }, (_, at) => `client-${at + 1}`),
  ];
  const [peers = 0] = await freePorts(servers, { inARow: true });
  const config = join(folder, 'cluster.json');
  writeFileSync(config, JSON.stringify({ cluster: { peer_port: peers } }));
  const all = await Promise.all(
    names.map(async (name) => {
      const [http = 0, dns = 0, server = 0, lan = 0, wan = 0, proxy = 0, admin = 0] = await freePorts(7);
      return { name, ports: { http, dns, server, lan, wan, proxy, admin } };
    }),
  );
  const joins = all.slice(0, servers).map(({ ports }) => `-retry-join=${ADDRESS}:${ports.server}`);
  /** @type {Node[]} */
  const nodes = all.map(({ name, ports }, at) => ({
    name,
    ports,
    api: `${ADDRESS}:${ports.http}`,
    links: `${ADDRESS}:${ports.server}`,
    start: () =>
      start(process.execPath, [
        MUSTER,
        'agent',
        ...(at < servers ? ['-server', `-bootstrap-expect=${servers}`] : []),
        ...['-config-file', config, `-node=${name}`, `-data-dir=${join(folder, name)}`, `-encrypt=${key}`],
        ...[`-http-port=${ports.http}`, `-dns-port=${ports.dns}`, `-server-port=${ports.server}`],
        ...[`-serf-lan-port=${ports.lan}`, `-serf-wan-port=${ports.wan}`],
        ...[`-balancer-listen=${ADDRESS}:${ports.proxy}`, `-balancer-admin=${ADDRESS}:${ports.admin}`],
        ...joins,
        ...flags,
      ]),
  }));
  return { servers: nodes.slice(0, servers), clients: nodes.slice(servers), key };
}
