// @ts-check
// The programs that Muster takes the place of, as peers of its benchmarks: Consul and fabio. No package of Debian has them, so they are measured where
// they are installed and left out where they are not.
import http from 'node:http';
import { findCommand } from '../scripts/support/paths.mjs';
import { freePorts, start, until } from '../scripts/support/processes.mjs';
import { send } from './agent.mjs';

/** @typedef {'consul' | 'fabio'} Original */

/** @param {Original} name */
export const hasOriginal = (name) => findCommand(name) !== undefined;

/**
 * Consul as one server in memory (`-dev`: nothing is kept on the disk), with its usual limits.
 * @param {{ cpu?: string }} [options]
 */
export async function startConsul(options = {}) {
  const [api = 0, dns = 0, server = 0, lan = 0, wan = 0] = await freePorts(5);
  const ports = [`-http-port=${api}`, `-dns-port=${dns}`, `-server-port=${server}`, '-grpc-port=-1'];
  const gossip = [`-serf-lan-port=${lan}`, `-serf-wan-port=${wan}`];
  // One client asks all the time, which its limit for connections of one address is not made for.
  const limits = ['-hcl=limits { http_max_conns_per_client = 12000 }', '-log-level=err'];
  const words = ['agent', '-dev', '-client=127.0.0.1', ...ports, ...gossip, ...limits];
  const program = start(findCommand('consul') ?? 'consul', words, options);
  const agent = new http.Agent({ keepAlive: true });
  const leader = async () =>
    (await send(agent, 'GET', `http://127.0.0.1:${api}/v1/status/leader`)).text.length > 2;
  await until('Consul to have a leader', leader, { program, ms: 60_000 });
  agent.destroy();
  return {
    api: `127.0.0.1:${api}`,
    dns,
    program,
    stop: () => program.stop('SIGTERM', 5_000),
  };
}

/**
 * fabio on a port: with the routes of a registry, or with those that are given.
 * @param {{ port: number, cpu?: string } & ({ registry: string } | { routes: string, listen?: string })} options `listen`: what stands behind the
 *   address of its listener, as `;proto=tcp`
 */
export async function startFabio({ port, cpu, ...from }) {
  const [ui = 0] = await freePorts(1);
  const source =
    'registry' in from
      ? ['-registry.consul.addr', from.registry, '-registry.consul.register.enabled=false']
      : ['-registry.backend', 'static', '-registry.static.routes', from.routes];
  const listen = `127.0.0.1:${port}${'listen' in from ? from.listen : ''}`;
  const words = ['-insecure', '-proxy.addr', listen, '-ui.addr', `127.0.0.1:${ui}`, '-log.level', 'ERROR'];
  return start(findCommand('fabio') ?? 'fabio', [...words, ...source], cpu === undefined ? {} : { cpu });
}
