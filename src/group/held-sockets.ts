/**
 * The sockets of an instance that Muster opens, and has as long as the instance is there. Muster never accepts on them. Whoever
 * connects while a process was killed and the next one starts waits in their queues; a queue that only the killed process had would be
 * reset with it.
 */
import { closeSync, fstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { listenError, messageOf } from '../errors.ts';
import { type Descriptors, loadDescriptors } from '../lib/descriptors.ts';
import { parseHostPort } from '../lib/host-port.ts';
import { substitute } from './substitute.ts';

/** Sockets of a process that was killed are there until its memory is freed: so long it is tried to have the address, in ms. */
const PATIENCE = 2_000;
const RETRY = 20;

/** What a process of an instance is given. */
export interface HeldSocket {
  readonly name: string;
  readonly fd: number;
}

/** "host:port" by the names of sockets. */
export type Addresses = Readonly<Record<string, string>>;

/** The `listen` of a group with variables filled in. */
export function addressesOf(listen: Addresses = {}, variables: Readonly<Record<string, string>>): Addresses {
  return Object.fromEntries(
    Object.entries(listen).map(([name, address]) => [name, substitute(address, variables)]),
  );
}

export class HeldSockets {
  readonly #open = new Map<string, { readonly address: string; readonly fd: number }>();
  /** Loaded before there is one. */
  #system: Descriptors | undefined;

  /** Opens what is not open yet. Resolves with why that cannot be, and then has none; undefined: all are open. */
  async open(addresses: Addresses): Promise<string | undefined> {
    try {
      for (const [name, address] of Object.entries(addresses)) {
        const known = this.#open.get(name);
        if (known?.address === address) continue;
        if (known !== undefined) closeSync(known.fd);
        this.#open.delete(name);
        this.#system ??= await loadSystem();
        const fd = await listenAt(this.#system, name, address);
        this.#open.set(name, { address, fd });
      }
      return undefined;
    } catch (error) {
      this.close();
      return messageOf(error);
    }
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Whether one of them has this port. */
  has(port: number): boolean {
    return [...this.#open.values()].some(({ address }) => parseHostPort(address)?.port === port);
  }

  /** Connections that nobody has accepted yet. */
  get waiting(): number {
    return [...this.#open.values()].reduce((sum, { fd }) => sum + (this.#system?.waitingIn(fd) ?? 0), 0);
  }

  /** For a process that is about to be started. They are in the state in which a program expects a new socket, whatever the last one made of it. */
  toHand(): HeldSocket[] {
    return [...this.#open].map(([name, { fd }]) => {
      this.#system?.makeWait(fd);
      return { name, fd };
    });
  }

  /** What a later run of Muster knows them by: numbers of the system's, by name. */
  inodes(): Record<string, number> {
    return Object.fromEntries([...this.#open].map(([name, { fd }]) => [name, fstatSync(fd).ino]));
  }

  /**
   * Gets back what an earlier run of Muster opened, from processes that were given it. Answers with the names of what
   * could not be had: the system lets only some look into others.
   */
  async regain(
    pids: readonly number[],
    inodes: Readonly<Record<string, number>>,
    addresses: Addresses,
  ): Promise<string[]> {
    const missing: string[] = [];
    this.#system ??= await loadSystem().catch(() => undefined);
    for (const [name, address] of Object.entries(addresses)) {
      // Its process has ended meanwhile, and the next one has another.
      if (this.#open.has(name)) continue;
      const inode = inodes[name];
      const fd = inode === undefined ? undefined : this.#system && taken(this.#system, pids, inode);
      if (fd === undefined) missing.push(name);
      else this.#open.set(name, { address, fd });
    }
    return missing;
  }

  /** From now on only processes that were given them have them; where there is none clients are refused. */
  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}

async function loadSystem(): Promise<Descriptors> {
  if (process.platform !== 'linux')
    throw new Error('`listen` works on Linux only: leave it out and let the program open its own sockets');
  return loadDescriptors();
}

async function listenAt({ listen }: Descriptors, name: string, address: string): Promise<number> {
  const place = parseHostPort(address);
  if (place === undefined) throw new Error(`listen.${name}: expected host:port, got "${address}"`);
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return listen(place.host, place.port);
    } catch (cause) {
      const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || Date.now() >= end) throw listenError(`its listen.${name}`, address, cause);
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}

/** The socket with this number of the system's, from one of these processes. */
function taken({ takeFrom }: Descriptors, pids: readonly number[], inode: number): number | undefined {
  for (const pid of pids)
    for (const theirs of descriptorsOf(pid, `socket:[${inode}]`)) {
      const fd = takeFrom(pid, theirs);
      if (fd === undefined) continue;
      // It may have been closed, and its number given away, since it was looked at.
      if (fstatSync(fd).ino === inode) return fd;
      closeSync(fd);
    }
  return undefined;
}

/** Under which numbers a process has something. */
function descriptorsOf(pid: number, what: string): number[] {
  const folder = `/proc/${pid}/fd`;
  const isIt = (entry: string): boolean => {
    try {
      return readlinkSync(path.join(folder, entry)) === what;
    } catch {
      // Closed in the meantime.
      return false;
    }
  };
  try {
    return readdirSync(folder).filter(isIt).map(Number);
  } catch {
    // It has ended, or is none of ours to look into.
    return [];
  }
}
