/** The plain system calls on sockets: what the ring does worse, or on a thread of its own. */
import { getSystemErrorName } from 'node:util';
import { listenError } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { addressText } from '../../lib/ip.ts';
import { openFiles } from '../open-files.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import { SCRATCH } from './arena.ts';
import * as kernel from './kernel.ts';
import { SOCK_STREAM } from './libc.ts';
import type { Loop } from './loop.ts';

const VALUE_AT = SCRATCH + 256;
const LENGTH_AT = SCRATCH + 264;
const ADDRESS_AT = SCRATCH + 320;
const ADDRESS_ROOM = 64;

const CLOCK_THREAD_CPUTIME = 3;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const BACKLOG = 4_096;

const V4_LENGTH = 16;
const V6_LENGTH = 28;
/** Where the IP address lies in a struct sockaddr. */
export const V4_IP = 4;
const V6_IP = 8;

/**
 * Begins a connection without delays to an IP address: a descriptor, or a negative error number. It is writable when the
 * connection stands or could not be opened (`connectError`).
 */
export function dial(loop: Loop, ip: Uint8Array, port: number): number {
  const { libc, arena } = loop;
  const length = writeAddress(loop, ip, port);
  const family = length === V4_LENGTH ? kernel.AF_INET : kernel.AF_INET6;
  const fd = libc.socket(family, SOCK_STREAM | kernel.SOCK_NONBLOCK | kernel.SOCK_CLOEXEC);
  if (fd < 0) return fd;
  if (!openFiles.areLeftForInstances(fd)) {
    libc.close(fd);
    return -kernel.EMFILE;
  }
  setFlag(loop, fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const result = libc.connect(fd, arena.address(ADDRESS_AT), length);
  if (result < 0 && result !== -kernel.EINPROGRESS) {
    libc.close(fd);
    return result;
  }
  loop.estate.own(fd);
  return fd;
}

/** Why a connect failed, as an error number; 0: it did not. */
export function connectError(loop: Loop, fd: number): number {
  const { libc, arena } = loop;
  arena.ints[VALUE_AT >> 2] = 0;
  arena.ints[LENGTH_AT >> 2] = 4;
  libc.getOption(fd, SOL_SOCKET, SO_ERROR, arena.address(VALUE_AT), arena.address(LENGTH_AT));
  return arena.ints[VALUE_AT >> 2]!;
}

/** How many bytes were received and not read. */
export function unread({ libc, arena }: Loop, fd: number): number {
  arena.ints[VALUE_AT >> 2] = 0;
  libc.unread(fd, arena.address(VALUE_AT));
  return arena.ints[VALUE_AT >> 2]!;
}

/** Processor time that this thread has had, µs. */
export function threadTime({ libc, arena }: Loop): number {
  libc.clock(CLOCK_THREAD_CPUTIME, arena.address(VALUE_AT));
  return arena.ints[VALUE_AT >> 2]! * 1e6 + arena.ints[(VALUE_AT >> 2) + 2]! / 1e3;
}

/** When it is closed the peer gets a reset. */
export function closeWithReset({ libc, arena }: Loop, fd: number): void {
  arena.ints[VALUE_AT >> 2] = 1;
  arena.ints[(VALUE_AT >> 2) + 1] = 0;
  libc.setOption(fd, SOL_SOCKET, SO_LINGER, arena.address(VALUE_AT), 8);
}

/** Sends off what was held back because more was to follow. */
export function push(loop: Loop, fd: number): void {
  setFlag(loop, fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

export interface Listening {
  readonly fds: readonly number[];
  readonly host: string;
  readonly port: number;
}

/**
 * A socket bound to an IP address. The port is shared with the other workers, so somebody else's socket there would go
 * unnoticed: the first of them (`isFirst`) tries to have it alone before. Throws `listen.*`.
 */
export function bindShared(loop: Loop, ip: Uint8Array, port: number, isFirst: boolean): number {
  if (isFirst && port !== 0) loop.libc.close(bound(loop, ip, port, false));
  return bound(loop, ip, port, true);
}

/** Listens there. Throws `listen.*`. */
export function listenOn(loop: Loop, ip: Uint8Array, port: number, isFirst: boolean): Listening {
  const fd = bindShared(loop, ip, port, isFirst);
  const result = loop.libc.listen(fd, BACKLOG);
  if (result < 0) {
    loop.libc.close(fd);
    throw refusal(ip, port, result);
  }
  loop.estate.own(fd);
  return { fds: [fd], ...placeOf(loop, fd) };
}

/** Takes over sockets that listen already, all at the same place. */
export function listenWith(loop: Loop, fds: readonly number[]): Listening {
  for (const fd of fds) {
    setFlag(loop, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // Whoever opened them may have left that to us.
    loop.libc.listen(fd, BACKLOG);
    loop.estate.own(fd);
  }
  return { fds, ...placeOf(loop, fds[0]!) };
}

function placeOf(loop: Loop, fd: number): { host: string; port: number } {
  const { address, port } = ownEnd(loop, fd);
  return { host: address, port };
}

/** This end of a socket. */
export function ownEnd({ libc, arena }: Loop, fd: number): Endpoint {
  arena.ints[LENGTH_AT >> 2] = ADDRESS_ROOM;
  libc.ownAddress(fd, arena.address(ADDRESS_AT), arena.address(LENGTH_AT));
  return { address: addressAt(arena.bytes, ADDRESS_AT), port: portAt(arena.bytes, ADDRESS_AT) };
}

function bound(loop: Loop, ip: Uint8Array, port: number, isShared: boolean): number {
  const { libc, arena } = loop;
  const length = writeAddress(loop, ip, port);
  const family = length === V4_LENGTH ? kernel.AF_INET : kernel.AF_INET6;
  const fd = libc.socket(family, SOCK_STREAM | kernel.SOCK_CLOEXEC);
  if (fd < 0) throw refusal(ip, port, fd);
  setFlag(loop, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (isShared) setFlag(loop, fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // As Node listens on "::": on all addresses of IPv4 too.
  if (family === kernel.AF_INET6)
    setFlag(loop, fd, IPPROTO_IPV6, IPV6_V6ONLY, ip.every((byte) => byte === 0) ? 0 : 1);
  // Accepted sockets have it from here.
  setFlag(loop, fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const result = libc.bind(fd, arena.address(ADDRESS_AT), length);
  if (result < 0) {
    libc.close(fd);
    throw refusal(ip, port, result);
  }
  return fd;
}

function refusal(ip: Uint8Array, port: number, result: number): Error {
  const code = getSystemErrorName(result);
  const cause = Object.assign(new Error(code), { code });
  return listenError('the load balancer', formatHostPort(addressText(ip), port), cause);
}

function setFlag({ libc, arena }: Loop, fd: number, level: number, option: number, value: number): void {
  arena.ints[VALUE_AT >> 2] = value;
  libc.setOption(fd, level, option, arena.address(VALUE_AT), 4);
}

/** Writes a struct sockaddr; the answer is its length. */
function writeAddress({ arena: { bytes } }: Loop, ip: Uint8Array, port: number): number {
  const isV4 = ip.length === 4;
  bytes.fill(0, ADDRESS_AT, ADDRESS_AT + ADDRESS_ROOM);
  bytes[ADDRESS_AT] = isV4 ? kernel.AF_INET : kernel.AF_INET6;
  bytes[ADDRESS_AT + 2] = port >> 8;
  bytes[ADDRESS_AT + 3] = port & 255;
  bytes.set(ip, ADDRESS_AT + (isV4 ? V4_IP : V6_IP));
  return isV4 ? V4_LENGTH : V6_LENGTH;
}

/** The port in a struct sockaddr, of either family. */
export function portAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** The address in a struct sockaddr that the kernel wrote; "" for anything but IP. */
export function addressAt(bytes: Uint8Array, at: number): string {
  const family = bytes[at];
  if (family === kernel.AF_INET) return addressText(bytes.slice(at + V4_IP, at + V4_IP + 4));
  if (family !== kernel.AF_INET6) return '';
  return addressText(bytes.slice(at + V6_IP, at + V6_IP + 16));
}
