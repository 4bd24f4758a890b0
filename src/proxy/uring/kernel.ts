/** Numbers of the kernel's interface (`linux/io_uring.h`, `asm-generic`): the same on every machine Node runs on. */

export const SETUP_CQSIZE = 1 << 3;
export const SETUP_CLAMP = 1 << 4;
export const SETUP_SUBMIT_ALL = 1 << 7;
export const SETUP_SINGLE_ISSUER = 1 << 12;
export const SETUP_DEFER_TASKRUN = 1 << 13;
export const SETUP_NO_SQARRAY = 1 << 16;

/** Of the ring: it knows RECEIVE_BUNDLE, and ACCEPT_POLL_FIRST, which is of the same version (Linux 6.10). */
export const FEATURE_BUNDLE = 1 << 14;

/** Of the ring: one may wait for several completions, and after a while be content with one (Linux 6.12). */
export const FEATURE_MIN_WAIT = 1 << 15;

/** Offsets for mmap. */
export const RING_AT = 0;
export const ENTRIES_AT = 0x10000000;

export const ENTER_GETEVENTS = 1;
/** What is waited for is told by a structure of 24 bytes: a signal mask and its size, µs until one completion is enough, a time-out. */
export const ENTER_EXTENDED = 1 << 3;
export const REGISTER_EVENTFD = 4;
export const REGISTER_BUFFER_RING = 22;
/** Written where completions are read: the eventfd is left alone. */
export const EVENTFD_DISABLED = 1;

export const OP_NOP = 0;
export const OP_POLL_ADD = 6;
export const OP_SENDMSG = 9;
export const OP_TIMEOUT = 11;
export const OP_ACCEPT = 13;
export const OP_ASYNC_CANCEL = 14;
export const OP_CLOSE = 19;
export const OP_SEND = 26;
export const OP_RECV = 27;

/** Of an entry. */
export const ENTRY_BUFFER_SELECT = 1 << 5;
export const ENTRY_SKIP_SUCCESS = 1 << 6;

/** Waits for somebody before it takes a descriptor and a socket for him: else both are thrown away when nobody is there. */
export const ACCEPT_POLL_FIRST = 4;
export const RECEIVE_POLL_FIRST = 1;
export const RECEIVE_MULTISHOT = 2;
/** Into as many buffers as there is something for, at once. */
export const RECEIVE_BUNDLE = 16;
export const CANCEL_ALL = 1;
export const CANCEL_FD = 2;

/** Of a completion. */
export const HAS_BUFFER = 1;
export const HAS_MORE = 2;
/** More lies there than was received. */
export const SOCKET_NONEMPTY = 4;

/** Fails rather than wait, and is not asked again by the ring either. */
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_WAITALL = 0x100;
/** More follows at once: what does not fill a packet may wait for it. */
export const MSG_MORE = 0x8000;
export const POLLIN = 1;
export const POLLOUT = 4;
/** Error or hang-up. */
export const POLL_FAILED = 8 | 16;

export const SPLICE_MOVE = 1;
export const SPLICE_NONBLOCK = 2;

export const EPERM = 1;
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENOSYS = 38;
export const ETIME = 62;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const EINPROGRESS = 115;
export const ECANCELED = 125;

/**
 * What a send or a receive is asked for again after. EAGAIN: what had to wait too often is done on a thread of the kernel, which does not wait
 * on a socket that does not (liburing's issue 364).
 */
export const AGAIN: ReadonlySet<number> = new Set([EINTR, EAGAIN, ECANCELED]);

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;

export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
