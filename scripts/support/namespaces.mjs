// @ts-check
// Network namespaces as hosts of a test or a measurement: root and `ip` are needed.
import { execFileSync } from 'node:child_process';

/** Why there can be none here; "" when there can. */
export function whyNoNamespaces() {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'the program ip is not there, or may not make any (Debian: iproute2)';
  }
}

/** @param {string[]} words */
function ip(...words) {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Hosts that are made together and taken away together. */
export class Hosts {
  #prefix = `m${process.pid.toString(36)}`;
  /** @type {string[]} */
  #names = [];
  #links = 0;

  /** A host with loopback only; answers with the name of its namespace. @param {string} name */
  add(name) {
    const host = `${this.#prefix}-${name}`;
    ip('netns', 'add', host);
    this.#names.push(host);
    ip('-n', host, 'link', 'set', 'lo', 'up');
    return host;
  }

  /**
   * A cable between two hosts, each end with an address ("10.1.0.1/24").
   * @param {readonly [host: string, address: string]} one
   * @param {readonly [host: string, address: string]} other
   */
  link([one, address], [other, otherAddress]) {
    // Names of interfaces have 15 characters at most.
    const [a, b] = [`${this.#prefix}a${this.#links}`, `${this.#prefix}b${this.#links}`];
    this.#links++;
    ip('link', 'add', a, 'netns', one, 'type', 'veth', 'peer', 'name', b, 'netns', other);
    for (const [host, end, own] of [
      [one, a, address],
      [other, b, otherAddress],
    ]) {
      ip('-n', String(host), 'address', 'add', String(own), 'dev', String(end));
      ip('-n', String(host), 'link', 'set', String(end), 'up');
    }
  }

  /** Packets for a network go by way of an address. @param {string} host @param {string} network @param {string} via */
  route(host, network, via) {
    ip('-n', host, 'route', 'add', network, 'via', via);
  }

  /** Runs a command on a host to its end; answers with what it prints. @param {string} host @param {string[]} command */
  run(host, ...command) {
    return execFileSync('ip', ['netns', 'exec', host, ...command], { encoding: 'utf8' });
  }

  remove() {
    for (const host of this.#names.splice(0)) ip('netns', 'delete', host);
  }
}
