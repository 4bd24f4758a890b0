/** Unix sockets that the HTTP API listens on: the file, and who may connect to it. */
import { chmodSync, chownSync, lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { listenError, MusterError, messageOf } from '../errors.ts';
import { groupId, userId } from '../lib/accounts.ts';

const SCHEME = 'unix://';

/** Path of the socket that an address names, or undefined for one of TCP. */
export function socketPath(address: string): string | undefined {
  return address.startsWith(SCHEME) ? address.slice(SCHEME.length) : undefined;
}

/** Who may connect: whoever may write the file. */
export interface SocketRights {
  /** Octal: "0660". */
  readonly mode?: string | undefined;
  /** Name or number. */
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

/**
 * Makes room for a socket: one that an agent left behind when it was killed is taken away. Rejects with `listen.in_use`
 * where somebody listens, with `listen.failed` where there is something else.
 */
export async function clearSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket())
    throw new MusterError(
      'listen.failed',
      `cannot listen on ${SCHEME}${path} for the HTTP API: something else has that name. Choose another path, or take it away.`,
    );
  if (await answers(path))
    throw listenError('the HTTP API', `${SCHEME}${path}`, Object.assign(new Error(), { code: 'EADDRINUSE' }));
  rmSync(path, { force: true });
}

/** Whether somebody takes connections there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const tell = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}

/** Throws `config.invalid` for names that nobody has and `listen.denied` where the system refuses. */
export function grantSocket(path: string, { mode, user = '', group = '' }: SocketRights): void {
  const [uid, gid] = [userId(user), groupId(group)];
  try {
    if (uid !== -1 || gid !== -1) chownSync(path, uid, gid);
    if (mode !== undefined) chmodSync(path, Number.parseInt(mode, 8));
  } catch (cause) {
    throw new MusterError(
      'listen.denied',
      `cannot set who may connect to ${SCHEME}${path}: ${messageOf(cause)}. Giving it to others needs root.`,
      { cause },
    );
  }
}
