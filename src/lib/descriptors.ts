/** What Node has no door for about descriptors of sockets, through koffi. Loaded only by a process that is given some, or gives some away. */
import { getSystemErrorName } from 'node:util';
import { addressBytes, addressText } from './ip.ts';

export interface Descriptors {
  /** Another one for the same socket, which programs that are started do not inherit. Negative: an error number. */
  duplicate(fd: number): number;
  /** Where an inherited socket listens; undefined: it is no listening socket, nor one of UDP. */
  describe(fd: number): { kind: 'tcp' | 'udp' | 'unix'; host: string; port: number } | undefined;
  /**
   * A socket of TCP that listens at an address of IP and waits, which programs that are started do not inherit: whoever connects waits
   * in it until somebody accepts. Linux. Throws what the system says.
   */
  listen(host: string, port: number): number;
  /** How many connections wait in a socket of TCP to be accepted. Linux. */
  waitingIn(fd: number): number;
  /** Calls on it wait from now on. */
  makeWait(fd: number): void;
  /** Another descriptor of a socket that another process has as `fd`; undefined: the system does not allow it. Linux 5.6 and later. */
  takeFrom(pid: number, fd: number): number | undefined;
  /** Sends a text to a datagram socket of this machine ("@": an abstract name). False: nobody takes it. */
  tell(path: string, text: string): boolean;
}

const DUPLICATE_CLOSED_ON_EXEC = process.platform === 'linux' ? 1030 : 67;
const SOL_SOCKET = process.platform === 'linux' ? 1 : 0xffff;
const SO_TYPE = process.platform === 'linux' ? 3 : 0x1008;
const SO_ACCEPTCONN = process.platform === 'linux' ? 30 : 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = process.platform === 'linux' ? 10 : 30;
const SOCK_CLOEXEC = 0x80000;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_INFO = 11;
/** As much of `struct tcp_info` as is looked at. */
const TCP_INFO_BYTES = 28;
const UNACKED_AT = 24;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const GET_FLAGS = 3;
const SET_FLAGS = 4;
const O_NONBLOCK = process.platform === 'linux' ? 0x800 : 4;
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
/** As many as wait to be taken; the system may allow fewer (`net.core.somaxconn`). */
const BACKLOG = 4_096;
/** `struct sockaddr_un` of Linux. */
const UNIX_PATH_BYTES = 108;
/** `struct sockaddr_in` and `struct sockaddr_in6`. */
const V4_LENGTH = 16;
const V6_LENGTH = 28;

let loaded: Promise<Descriptors> | undefined;

/** Rejects where koffi has no build for this platform. */
export function loadDescriptors(): Promise<Descriptors> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Descriptors> {
  const { default: koffi } = await import('koffi');
  const own = koffi.load(null);
  const fcntl = own.func('int fcntl(int fd, int command, long argument)');
  const getsockopt = own.func(
    'int getsockopt(int fd, int level, int option, _Out_ int *value, _Inout_ uint *length)',
  );
  const tcpInfo = own.func(
    'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint *length)',
  );
  const getsockname = own.func('int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint *length)');
  const socket = own.func('int socket(int family, int type, int protocol)');
  const sendto = own.func(
    'long sendto(int fd, const uint8_t *bytes, size_t length, int flags, const uint8_t *address, uint addressLength)',
  );
  const close = own.func('int close(int fd)');
  const setsockopt = own.func('int setsockopt(int fd, int level, int option, const int *value, uint length)');
  const bind = own.func('int bind(int fd, const uint8_t *address, uint length)');
  const listen = own.func('int listen(int fd, int backlog)');
  // One for two calls: the arguments of both fit.
  const syscall = own.func('long syscall(long number, long process, long what, long flags)');

  const option = (fd: number, which: number): number => {
    const value = [0];
    return getsockopt(fd, SOL_SOCKET, which, value, [4]) === 0 ? (value[0] as number) : -1;
  };

  const whatFailed = (call: string): Error => {
    const code = getSystemErrorName(-koffi.errno());
    return Object.assign(new Error(`${call}: ${code}`), { code });
  };
  const failed = (call: string, fd: number): never => {
    const error = whatFailed(call);
    close(fd);
    throw error;
  };

  return {
    duplicate(fd) {
      const made: number = fcntl(fd, DUPLICATE_CLOSED_ON_EXEC, 3);
      return made === -1 ? -koffi.errno() : made;
    },

    describe(fd) {
      const type = option(fd, SO_TYPE);
      const kind = type === SOCK_STREAM ? 'tcp' : type === SOCK_DGRAM ? 'udp' : undefined;
      if (kind === undefined || (kind === 'tcp' && option(fd, SO_ACCEPTCONN) !== 1)) return undefined;
      const address = Buffer.alloc(2 + UNIX_PATH_BYTES);
      const length = [address.length];
      if (getsockname(fd, address, length) !== 0) return undefined;
      // The first two bytes are the family, on BSD a length and the family.
      const family = process.platform === 'linux' ? address.readUInt16LE(0) : address[1];
      const port = address.readUInt16BE(2);
      if (family === AF_INET) return { kind, host: addressText(address.subarray(4, 8)), port };
      if (family === AF_INET6) return { kind, host: addressText(address.subarray(8, 24)), port };
      if (family !== AF_UNIX) return undefined;
      return { kind: 'unix', host: address.toString('utf8', 2, length[0]).replace(/\0.*$/s, ''), port: 0 };
    },

    listen(host, port) {
      const address = socketAddress(host, port);
      const isV4 = address.length === V4_LENGTH;
      const fd: number = socket(isV4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd < 0) throw whatFailed('socket');
      const set = (level: number, which: number, value: number): void => {
        if (setsockopt(fd, level, which, [value], 4) !== 0) failed('setsockopt', fd);
      };
      set(SOL_SOCKET, SO_REUSEADDR, 1);
      // As Node listens on "::": on all addresses of IPv4 too.
      if (!isV4) set(IPPROTO_IPV6, IPV6_V6ONLY, address.subarray(8, 24).every((byte) => byte === 0) ? 0 : 1);
      // What is accepted has it from here.
      set(IPPROTO_TCP, TCP_NODELAY, 1);
      if (bind(fd, address, address.length) !== 0) failed('bind', fd);
      if (listen(fd, BACKLOG) !== 0) failed('listen', fd);
      return fd;
    },

    waitingIn(fd) {
      const info = Buffer.alloc(TCP_INFO_BYTES);
      // Of a listener `tcpi_unacked` is the length of its queue.
      return tcpInfo(fd, IPPROTO_TCP, TCP_INFO, info, [info.length]) === 0
        ? info.readUInt32LE(UNACKED_AT)
        : 0;
    },

    makeWait(fd) {
      fcntl(fd, SET_FLAGS, fcntl(fd, GET_FLAGS, 0) & ~O_NONBLOCK);
    },

    takeFrom(pid, fd) {
      const handle = Number(syscall(SYS_PIDFD_OPEN, pid, 0, 0));
      if (handle < 0) return undefined;
      const taken = Number(syscall(SYS_PIDFD_GETFD, handle, fd, 0));
      close(handle);
      return taken < 0 ? undefined : taken;
    },

    tell(path, text) {
      const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
      if (process.platform !== 'linux' || name.length >= UNIX_PATH_BYTES) return false;
      const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1));
      address.writeUInt16LE(AF_UNIX, 0);
      name.copy(address, 2);
      const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd < 0) return false;
      const bytes = Buffer.from(text);
      const sent: number = Number(sendto(fd, bytes, bytes.length, 0, address, address.length));
      close(fd);
      return sent === bytes.length;
    },
  };
}

/** A `struct sockaddr` of Linux; "" is all addresses. Throws when the host is no address. */
function socketAddress(host: string, port: number): Buffer {
  const ip = addressBytes(host === '' ? '::' : host);
  if (ip === undefined) throw new Error(`"${host}" is no address of IP`);
  const isV4 = ip.length === 4;
  const address = Buffer.alloc(isV4 ? V4_LENGTH : V6_LENGTH);
  address.writeUInt16LE(isV4 ? AF_INET : AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  address.set(ip, isV4 ? 4 : 8);
  return address;
}
