/**
 * The sockets on which this process takes connections and datagrams: those it opens itself, and those that were open when it
 * began, which another process opened (the one it replaces, or systemd). What is in use is known here, so that it can be
 * handed on.
 */

import type { Socket as UdpSocket } from 'node:dgram';
import { closeSync, linkSync, renameSync } from 'node:fs';
import { Server as NetServer, type Server } from 'node:net';
import { loadDescriptors } from './descriptors.ts';
import { addressBytes } from './ip.ts';
import { preferredAddress } from './preferred-address.ts';

/** `unix`: a path on this machine. */
export type SocketKind = 'tcp' | 'udp' | 'unix';

/** Where somebody wants to listen, as the configuration has it: port 0 is any. The host of a unix socket is its path. */
export interface Place {
  readonly kind: SocketKind;
  readonly host: string;
  readonly port: number;
}

/** Connections that wait to be taken: all who watch the registry come back at once when an agent was started again. */
const BACKLOG = 4_096;

/** A socket that is open. `asked`: the place it was opened for, when that is known. */
export interface OpenSocket {
  readonly fd: number;
  readonly bound: Place;
  readonly asked?: Place | undefined;
}

interface Offer {
  readonly asked: Place;
  descriptors(): readonly number[];
}

export class Sockets {
  #duplicate: (fd: number) => number;
  /** Not claimed yet: all that are bound to one address are one. */
  readonly #found: { bound: Place; asked: Place | undefined; fds: number[] }[] = [];
  readonly #offers = new Set<Offer>();

  /** `found`: what was open at the start, now this object's. `duplicate`: another descriptor of the same socket. */
  constructor(found: readonly OpenSocket[] = [], duplicate: (fd: number) => number = (fd) => fd) {
    this.#duplicate = duplicate;
    for (const { fd, bound, asked } of found) this.#keep(fd, bound, asked);
  }

  #keep(fd: number, bound: Place, asked: Place | undefined): void {
    const known = this.#found.find((one) => isSame(one.bound, bound));
    if (known === undefined) this.#found.push({ bound, asked, fds: [fd] });
    else known.fds.push(fd);
  }

  /** Whether there is something to claim. */
  has(place: Place): boolean {
    return this.#at(place) >= 0;
  }

  /** The sockets that were open for a place; they are the caller's from then on. */
  claim(place: Place): number[] {
    const at = this.#at(place);
    return at < 0 ? [] : (this.#found.splice(at, 1)[0]?.fds ?? []);
  }

  #at(place: Place): number {
    const ways: ((found: { bound: Place; asked: Place | undefined }) => boolean)[] = [
      ({ asked }) => asked !== undefined && isSame(asked, place),
      ({ bound }) => isSame(bound, place),
      // "::" is all addresses of IPv4 too.
      ({ bound }) => isAny(bound.host) && isAny(place.host) && isSame({ ...bound, host: place.host }, place),
    ];
    return ways.map((fits) => this.#found.findIndex(fits)).find((at) => at >= 0) ?? -1;
  }

  /** One more descriptor of a socket; whoever asks closes it. */
  duplicate(fd: number): number {
    return this.#duplicate(fd);
  }

  /** Says what is open for a place, to be handed on; the answer takes it back. */
  offer(asked: Place, descriptors: () => readonly number[]): () => void {
    const offer = { asked, descriptors };
    this.#offers.add(offer);
    return () => this.#offers.delete(offer);
  }

  /** All that is in use now. The descriptors stay their owners'. */
  inUse(): { readonly fd: number; readonly asked: Place }[] {
    return [...this.#offers].flatMap(({ asked, descriptors }) => descriptors().map((fd) => ({ fd, asked })));
  }

  /** All that is in use can be claimed once more, by what begins anew in this process while the present owners end. */
  async share(): Promise<void> {
    const { describe, duplicate } = await loadDescriptors();
    this.#duplicate = duplicate;
    for (const { fd, asked } of this.inUse()) this.#keep(duplicate(fd), describe(fd) ?? asked, asked);
  }

  /** Closes what nobody claimed: the configuration does not have these places any more. Answers with where they were. */
  dropUnclaimed(): Place[] {
    const dropped = this.#found.splice(0);
    for (const { fds } of dropped) for (const fd of fds) closeSync(fd);
    return dropped.map(({ bound }) => bound);
  }

  /** Listens on the socket that was open for the place, else on one of its own. Rejects with what the system says. */
  async listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
    const place: Place = 'path' in where ? unixPlace(where.path) : { kind: 'tcp', ...where };
    const [fd, ...more] = this.claim(place);
    for (const other of more) closeSync(other);
    const own = fd === undefined ? { ...(await addressed(where)), backlog: BACKLOG } : { fd };
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(own, () => {
        server.off('error', reject);
        const withdraw = this.offer(place, () => descriptorOf(server));
        server.once('close', withdraw);
        resolve();
      });
    });
  }

  /** The same for datagrams. */
  bind(socket: UdpSocket, { host, port }: { host: string; port: number }): Promise<void> {
    const place: Place = { kind: 'udp', host, port };
    const [fd, ...more] = this.claim(place);
    for (const other of more) closeSync(other);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      const address = host === '' ? {} : { address: host };
      socket.bind(fd === undefined ? { ...address, port } : { fd }, () => {
        socket.off('error', reject);
        const withdraw = this.offer(place, () => descriptorOf(socket));
        socket.once('close', withdraw);
        resolve();
      });
    });
  }
}

async function addressed<T extends { host: string } | { path: string }>(where: T): Promise<T> {
  return 'path' in where ? where : { ...where, host: await preferredAddress(where.host) };
}

export function unixPlace(path: string): Place {
  return { kind: 'unix', host: path, port: 0 };
}

/**
 * Takes no more connections, on a socket that another process has too. Not with the server's own method: that of HTTP ends idle
 * connections, on which a request may be on its way. Calls back when all connections are over.
 */
export function leaveToOther(server: Server, path: string | undefined, done: () => void): void {
  if (path === undefined) {
    NetServer.prototype.close.call(server, done);
    return;
  }
  // Whoever made a unix socket takes its file away with it: it gets another name meanwhile.
  const kept = `${path}.${process.pid}`;
  linkSync(path, kept);
  NetServer.prototype.close.call(server, done);
  renameSync(kept, path);
}

/** Of a server or a UDP socket of Node, which has no public name for it; none where there are none. */
export function descriptorOf(owner: object): number[] {
  const fd = (udpHandleOf(owner) ?? (owner as { _handle?: { fd?: unknown } | null })._handle)?.fd;
  return typeof fd === 'number' && fd >= 0 ? [fd] : [];
}

/** Reads no more datagrams, which are left to whoever shares the socket; sending goes on. */
export function stopReading(socket: UdpSocket): void {
  udpHandleOf(socket)?.recvStop?.();
}

interface UdpHandle {
  readonly fd?: unknown;
  recvStop?(): void;
}

function udpHandleOf(socket: object): UdpHandle | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find((one) => one.description === 'state symbol');
  const state = symbol && (socket as Record<symbol, { handle?: UdpHandle | null }>)[symbol];
  // Once it is closed: nothing, rather than to be looked for elsewhere.
  return state && (state.handle ?? {});
}

function isSame(one: Place, other: Place): boolean {
  return one.kind === other.kind && one.port === other.port && hostKey(one.host) === hostKey(other.host);
}

/** Addresses are written in many ways; "" is "::" where there is IPv6. */
function hostKey(host: string): string {
  const bytes = addressBytes(host === '' ? '::' : host === 'localhost' ? '127.0.0.1' : host);
  return bytes === undefined ? host : Buffer.from(bytes).toString('hex');
}

function isAny(host: string): boolean {
  return host === '' || addressBytes(host)?.every((byte) => byte === 0) === true;
}
