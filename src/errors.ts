/**
 * Every error that reaches a user or crosses a folder: a stable code, a message that says what is wrong
 * and what to do, the exit code of the program when it ends it. Catch by `code`, never by message.
 */
const ERRORS = {
  usage: { exit: 2 },
  'config.invalid': { exit: 2 },
  'config.unreadable': { exit: 2 },
  'listen.in_use': { exit: 1 },
  'listen.denied': { exit: 1 },
  'listen.failed': { exit: 1 },
  'tls.certificate': { exit: 1 },
  'tls.acme': { exit: 1 },
  'store.unusable': { exit: 1 },
  'store.write_failed': { exit: 1 },
  'store.no_leader': { exit: 1 },
  'store.closed': { exit: 1 },
  'cluster.unreachable': { exit: 1 },
  'cluster.refused': { exit: 1 },
  'client.unreachable': { exit: 1 },
  'client.refused': { exit: 1 },
  'docker.unreachable': { exit: 1 },
  'docker.refused': { exit: 1 },
  'request.invalid': { exit: 1 },
  'request.rejected': { exit: 1 },
  'group.failed': { exit: 1 },
  'kernel.refused': { exit: 1 },
  'template.invalid': { exit: 1 },
  'template.unwritable': { exit: 1 },
  'template.refused': { exit: 1 },
  internal: { exit: 1 },
} as const satisfies Record<string, { exit: number }>;

export type ErrorCode = keyof typeof ERRORS;

export class MusterError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MusterError';
    this.code = code;
  }

  /** Exit code of the program when this error ends it: 1 failed, 2 usage. */
  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

export function isMusterError(error: unknown, code?: ErrorCode): error is MusterError {
  return error instanceof MusterError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the system says of a file, to stand behind a text that names it: without the file's name and the system's code. */
export function fileTrouble(error: unknown): string {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  return FILE_TROUBLE[code] ?? messageOf(error);
}

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a file stands where a directory has to be',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system cannot be written',
  ENOSPC: 'the disk is full',
  EMFILE: 'this process may open no more files',
};

/** What kept a `fetch` from its answer, to stand behind a text that names the place: its own "fetch failed" says nothing. */
export function fetchTrouble(error: unknown): string {
  const inner: unknown = (error as { cause?: unknown } | undefined)?.cause ?? error;
  const message = messageOf(inner);
  if (message !== '') return message;
  // Of several addresses that were tried.
  const { code } = inner as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(error);
}

const UNKNOWN_NAME = 'no address is known for that name. Give an address of this machine.';
const LISTEN_TROUBLE: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL:
    'this machine has no such address. `ip address` shows those that it has; 0.0.0.0 stands for all of them.',
  ENOTFOUND: UNKNOWN_NAME,
  EAI_AGAIN: UNKNOWN_NAME,
};

/** Says in one sentence why a listener could not start and what to do. `what` is e.g. "the HTTP API". */
export function listenError(what: string, address: string, cause: unknown): MusterError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'EADDRINUSE')
    return new MusterError(
      'listen.in_use',
      `cannot listen on ${address} for ${what}: the port is in use. Stop the program that holds it (\`ss -ltnup\` shows it) or choose another port.`,
      { cause },
    );
  if (code === 'EACCES')
    return new MusterError(
      'listen.denied',
      `cannot listen on ${address} for ${what}: not permitted. Ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher port otherwise.`,
      { cause },
    );
  const why = LISTEN_TROUBLE[code ?? ''] ?? messageOf(cause);
  return new MusterError('listen.failed', `cannot listen on ${address} for ${what}: ${why}`, { cause });
}
