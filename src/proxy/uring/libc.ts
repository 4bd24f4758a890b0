/** System calls that Node has no door for, through koffi. Loaded only where this transport is chosen. */
import * as kernel from './kernel.ts';

/** Memory is addressed by plain numbers: user space ends below 2^47. Failures come back as negative error numbers. */
export interface Libc {
  /** A range of zeroed private memory that costs nothing until it is touched. */
  reserve(length: number): number;
  /** Maps a descriptor's memory, shared. */
  map(length: number, fd: number, offset: number): number;
  unmap(address: number, length: number): number;
  /** The pages may be taken back: they are zero when touched again. */
  release(address: number, length: number): number;
  /** The range as memory of JavaScript, without a copy. Whoever touches it after `unmap` ends the process. */
  view(address: number, length: number): ArrayBuffer;
  setupRing(entries: number, parameters: number): number;
  /** Hot path: once per turn of the loop. `argument`: what ENTER_EXTENDED says more, else 0. */
  enter(ring: number, submit: number, wait: number, flags: number, argument: number): number;
  register(ring: number, what: number, argument: number, count: number): number;
  socket(family: number, type: number): number;
  setOption(fd: number, level: number, option: number, value: number, length: number): number;
  getOption(fd: number, level: number, option: number, value: number, length: number): number;
  bind(fd: number, address: number, length: number): number;
  listen(fd: number, backlog: number): number;
  /** The next connection, which nobody asks for its address. */
  accept(fd: number): number;
  connect(fd: number, address: number, length: number): number;
  ownAddress(fd: number, address: number, length: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  /** Puts the descriptors of a new pipe at `address`: the one to read from, the one to write to. */
  pipe(address: number, flags: number): number;
  /** The answer is the size that it has then; negative where the user may have no more. */
  resizePipe(fd: number, size: number): number;
  pipeSize(fd: number): number;
  read(fd: number, address: number, length: number): number;
  /** Moves bytes between a pipe and something else. */
  splice(from: number, to: number, length: number, flags: number): number;
  isNonBlocking(fd: number): boolean;
  /** Whether calls on it wait; of all who share the socket. */
  setNonBlocking(fd: number, isSet: boolean): void;
  /** Writes an int to `address`: how many bytes were received and not read. */
  unread(fd: number, address: number): number;
  /** Writes seconds and nanoseconds to `address`, 8 bytes each. */
  clock(which: number, address: number): number;
}

const SYS_SETUP = 425;
const SYS_ENTER = 426;
const SYS_REGISTER = 427;

const READ_WRITE = 3;
const SHARED_POPULATE = 0x8001;
const PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const DONT_NEED = 4;
const GET_FLAGS = 3;
const SET_FLAGS = 4;
const COUNT_UNREAD = 0x541b;
const SET_PIPE_SIZE = 1_031;
const GET_PIPE_SIZE = 1_032;
/** Of the structure of ENTER_EXTENDED; else of a signal mask, and not looked at without one. */
const ENTER_ARGUMENT = 24;

export const SOCK_STREAM = 1;

let loaded: Promise<Libc> | undefined;

/** Rejects where koffi has no build for this platform. */
export function loadLibc(): Promise<Libc> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Libc> {
  const { default: koffi } = await import('koffi');
  const own = koffi.load(null);
  const func = <Arguments extends number[]>(definition: string) =>
    own.func(definition) as unknown as (...given: Arguments) => number;
  const mmap = func<[number, number, number, number, number, number]>(
    'intptr_t mmap(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
  );
  const munmap = func<[number, number]>('int munmap(intptr_t address, size_t length)');
  const madvise = func<[number, number, number]>('int madvise(intptr_t address, size_t length, int advice)');
  // One function for three calls: all their arguments fit these types.
  const syscall = func<[number, number, number, number, number, number, number]>(
    'int syscall(long number, uint a, intptr_t b, intptr_t c, uint d, intptr_t e, size_t f)',
  );
  const socket = func<[number, number, number]>('int socket(int family, int type, int protocol)');
  const setsockopt = func<[number, number, number, number, number]>(
    'int setsockopt(int fd, int level, int option, intptr_t value, uint length)',
  );
  const getsockopt = func<[number, number, number, number, number]>(
    'int getsockopt(int fd, int level, int option, intptr_t value, intptr_t length)',
  );
  const bind = func<[number, number, number]>('int bind(int fd, intptr_t address, uint length)');
  const listen = func<[number, number]>('int listen(int fd, int backlog)');
  const accept4 = func<[number, number, number, number]>(
    'int accept4(int fd, intptr_t address, intptr_t length, int flags)',
  );
  const connect = func<[number, number, number]>('int connect(int fd, intptr_t address, uint length)');
  const getsockname = func<[number, number, number]>(
    'int getsockname(int fd, intptr_t address, intptr_t length)',
  );
  const shutdown = func<[number, number]>('int shutdown(int fd, int how)');
  const close = func<[number]>('int close(int fd)');
  const pipe2 = func<[number, number]>('int pipe2(intptr_t descriptors, int flags)');
  const read = func<[number, number, number]>('intptr_t read(int fd, intptr_t address, size_t length)');
  const splice = func<[number, number, number, number, number, number]>(
    'intptr_t splice(int from, intptr_t fromAt, int to, intptr_t toAt, size_t length, uint flags)',
  );
  const ioctl = func<[number, number, number]>('int ioctl(int fd, ulong request, intptr_t argument)');
  const clockGettime = func<[number, number]>('int clock_gettime(int which, intptr_t time)');
  const fcntl = func<[number, number, number]>('int fcntl(int fd, int command, long argument)');
  const told = (result: number) => (result === -1 ? -koffi.errno() : result);
  return {
    reserve: (length) => told(mmap(0, length, READ_WRITE, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)),
    map: (length, fd, offset) => told(mmap(0, length, READ_WRITE, SHARED_POPULATE, fd, offset)),
    unmap: (address, length) => told(munmap(address, length)),
    release: (address, length) => told(madvise(address, length, DONT_NEED)),
    view: (address, length) => koffi.view(BigInt(address), length),
    setupRing: (entries, parameters) => told(syscall(SYS_SETUP, entries, parameters, 0, 0, 0, 0)),
    enter: (ring, submit, wait, flags, argument) =>
      told(syscall(SYS_ENTER, ring, submit, wait, flags, argument, ENTER_ARGUMENT)),
    register: (ring, what, argument, count) => told(syscall(SYS_REGISTER, ring, what, argument, count, 0, 0)),
    socket: (family, type) => told(socket(family, type, 0)),
    setOption: (fd, level, option, value, length) => told(setsockopt(fd, level, option, value, length)),
    getOption: (fd, level, option, value, length) => told(getsockopt(fd, level, option, value, length)),
    bind: (fd, address, length) => told(bind(fd, address, length)),
    listen: (fd, backlog) => told(listen(fd, backlog)),
    accept: (fd) => told(accept4(fd, 0, 0, kernel.SOCK_CLOEXEC)),
    connect: (fd, address, length) => told(connect(fd, address, length)),
    ownAddress: (fd, address, length) => told(getsockname(fd, address, length)),
    shutdown: (fd, how) => told(shutdown(fd, how)),
    close: (fd) => told(close(fd)),
    pipe: (address, flags) => told(pipe2(address, flags)),
    resizePipe: (fd, size) => told(fcntl(fd, SET_PIPE_SIZE, size)),
    pipeSize: (fd) => told(fcntl(fd, GET_PIPE_SIZE, 0)),
    read: (fd, address, length) => told(read(fd, address, length)),
    splice: (from, to, length, flags) => told(splice(from, 0, to, 0, length, flags)),
    unread: (fd, address) => told(ioctl(fd, COUNT_UNREAD, address)),
    clock: (which, address) => told(clockGettime(which, address)),
    isNonBlocking: (fd) => (fcntl(fd, GET_FLAGS, 0) & kernel.SOCK_NONBLOCK) !== 0,
    setNonBlocking(fd, isSet) {
      const others = fcntl(fd, GET_FLAGS, 0) & ~kernel.SOCK_NONBLOCK;
      fcntl(fd, SET_FLAGS, others | (isSet ? kernel.SOCK_NONBLOCK : 0));
    },
  };
}
