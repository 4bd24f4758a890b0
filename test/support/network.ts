import { execFileSync } from 'node:child_process';
import { missingPrograms } from '../../scripts/support/system-packages.mjs';

/** The third part of the addresses of each file's machines: files run at the same time, and each takes away what it finds under its own number. */
const NUMBERS = {
  cluster: 1,
  chaos: 2,
  'cluster-stack': 3,
  'internal-lb': 4,
  'auto-join': 5,
  founding: 6,
  'placed-groups': 81,
} as const;
export type NetworkName = keyof typeof NUMBERS;

/**
 * Machines as network namespaces, each with an address of its own on one bridge: what cuts them off or moves them
 * here is what a cable or a DHCP server does. Needs root and `ip`.
 */
export class Network {
  readonly #prefix: string;
  readonly #subnet: string;
  readonly #machines = new Map<number, string>();

  /** `name`: the test file's. */
  constructor(name: NetworkName) {
    const number = NUMBERS[name];
    this.#prefix = `mt${number}`;
    this.#subnet = `10.99.${number}`;
    this.#clean(8);
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('link', 'set', this.#bridge, 'up');
  }

  get #bridge(): string {
    return `${this.#prefix}b`;
  }

  /** Adds a machine; its number is the last part of its address. */
  add(number: number): void {
    const [space, link] = [this.space(number), `${this.#prefix}v${number}`];
    ip('netns', 'add', space);
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('link', 'set', link, 'master', this.#bridge, 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    this.move(number, number);
  }

  /** Name of the namespace of a machine. */
  space(number: number): string {
    return `${this.#prefix}n${number}`;
  }

  address(number: number): string {
    return this.#machines.get(number) as string;
  }

  /** Gives a machine another address. */
  move(number: number, last: number): void {
    const address = `${this.#subnet}.${last}`;
    const space = this.space(number);
    ip('-n', space, 'addr', 'flush', 'dev', 'eth0');
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    this.#machines.set(number, address);
  }

  /** Pulls the cable of a machine, or puts it in again. */
  cut(number: number): void {
    ip('link', 'set', `${this.#prefix}v${number}`, 'down');
  }

  mend(number: number): void {
    ip('link', 'set', `${this.#prefix}v${number}`, 'up');
  }

  /** What the machine sends to these addresses is lost; what they send arrives. */
  mute(number: number, addresses: readonly string[]): void {
    for (const address of addresses)
      ip('-n', this.space(number), 'route', 'add', 'blackhole', `${address}/32`);
  }

  unmute(number: number, addresses: readonly string[]): void {
    for (const address of addresses)
      quietly('-n', this.space(number), 'route', 'del', 'blackhole', `${address}/32`);
  }

  /** The command that runs `command` on a machine. */
  on(number: number, command: string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', this.space(number), ...command]];
  }

  remove(): void {
    this.#clean(8);
  }

  #clean(most: number): void {
    for (let number = 1; number <= most; number++) {
      quietly('link', 'del', `${this.#prefix}v${number}`);
      quietly('netns', 'del', this.space(number));
    }
    quietly('link', 'del', this.#bridge);
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function quietly(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // It was not there.
  }
}

/** Why networks cannot be made here, or undefined. `MUSTER_NO_NETWORKS=1` skips what needs them. */
export function noNetworks(): string | undefined {
  if (process.env.MUSTER_NO_NETWORKS === '1') return 'MUSTER_NO_NETWORKS is set';
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0)
    return 'this test puts nodes into network namespaces and needs root; run it with sudo, or skip it with MUSTER_NO_NETWORKS=1';
  const missing = missingPrograms('ip');
  return missing.length === 0 ? undefined : `it needs ${missing.join()}`;
}
