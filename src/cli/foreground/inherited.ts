/** What this process was given when it began: open sockets, and the process that it is to replace. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { loadDescriptors } from '../../lib/descriptors.ts';
import { descriptorOf, type OpenSocket, type Place, Sockets } from '../../lib/sockets.ts';
import { type FromSuccessor, SUCCESSION, type Succession, type ToSuccessor } from './messages.ts';

/** The first descriptor of those that systemd passes on (sd_listen_fds(3)). */
const FIRST = 3;

/** The process that this one is to replace. */
export interface Predecessor {
  /** Asks it to let go of what only one can have; resolves when it has, with its secret, or has ended. */
  turn(): Promise<string | undefined>;
  /** This process serves: the other one takes no more. */
  takenOver(): void;
  /** This process ends without having served. Idempotent. */
  hangUp(): void;
}

/** To the process that was started first, when that is still there and stands for this one. */
export interface Lifeline {
  /** Its descriptor, to be handed on. */
  readonly fd: number;
  say(line: string): void;
  /** It has ended, so this one is to end too. */
  onCut(task: () => void): void;
}

export interface Inherited {
  readonly sockets: Sockets;
  readonly predecessor: Predecessor | undefined;
  readonly lifeline: Lifeline | undefined;
}

/** To be called once, before anything listens. What it reads is taken out of `env`, so that no program that is started believes it is meant. */
export async function inherit(env: NodeJS.ProcessEnv = process.env): Promise<Inherited> {
  const succession = takeFrom(env, SUCCESSION);
  const count = takeFrom(env, 'LISTEN_FDS');
  const owner = takeFrom(env, 'LISTEN_PID');
  takeFrom(env, 'LISTEN_FDNAMES');
  if (succession !== undefined) {
    const { sockets, lifeline } = JSON.parse(succession) as Succession;
    return {
      sockets: await socketsOf(sockets),
      predecessor: process.send === undefined ? undefined : predecessorOf(),
      lifeline: lifeline === undefined ? undefined : await lifelineAt(lifeline),
    };
  }
  const isOurs = count !== undefined && owner === `${process.pid}`;
  const found = isOurs ? Array.from({ length: Number(count) || 0 }, (_, at) => ({ fd: FIRST + at })) : [];
  return { sockets: await socketsOf(found), predecessor: undefined, lifeline: undefined };
}

function takeFrom(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  delete env[name];
  return value;
}

/** Never inherited by what this process starts, which would keep the ports open. */
async function socketsOf(
  given: readonly { readonly fd: number; readonly asked?: Place }[],
): Promise<Sockets> {
  if (given.length === 0) return new Sockets();
  const { describe, duplicate } = await loadDescriptors();
  const open: OpenSocket[] = [];
  for (const { fd, asked } of given) {
    const bound = describe(fd);
    if (bound !== undefined) open.push({ fd: duplicate(fd), bound, asked });
    closeSync(fd);
  }
  return new Sockets(open, duplicate);
}

function predecessorOf(): Predecessor {
  const say = (message: FromSuccessor, told?: () => void) => {
    // It may have ended: then nobody has to be told.
    if (process.connected) process.send?.(message, undefined, undefined, () => told?.());
    else told?.();
  };
  const hangUp = () => {
    if (process.connected) process.disconnect();
  };
  const yielded = new Promise<string | undefined>((resolve) => {
    process.on('message', (message: ToSuccessor) => {
      if (message.type === 'go-on') resolve(message.secret);
    });
    process.once('disconnect', () => resolve(undefined));
  });
  return {
    turn() {
      say({ type: 'prepared' });
      return yielded;
    },
    takenOver: () => say({ type: 'serving' }, hangUp),
    hangUp,
  };
}

async function lifelineAt(given: number): Promise<Lifeline> {
  const { duplicate } = await loadDescriptors();
  const socket = new Socket({ fd: duplicate(given), readable: true, writable: true });
  closeSync(given);
  socket.unref();
  // Its `close` follows and tells.
  socket.on('error', () => {});
  socket.resume();
  return {
    get fd() {
      return descriptorOf(socket)[0] ?? -1;
    },
    say: (line) => void socket.write(`${line}\n`),
    onCut: (task) => void socket.once('close', task),
  };
}
