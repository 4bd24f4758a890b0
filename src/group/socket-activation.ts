/**
 * How a program is told of sockets that are open when it begins: by systemd's protocol (sd_listen_fds(3)). They are its descriptors
 * from 3 on.
 */
import type { HeldSocket } from './held-sockets.ts';

/** For its environment, besides its own number, which nobody knows before it is there. */
export function activation(sockets: readonly HeldSocket[]): Record<string, string> {
  if (sockets.length === 0) return {};
  return { LISTEN_FDS: `${sockets.length}`, LISTEN_FDNAMES: sockets.map(({ name }) => name).join(':') };
}

/** The command that runs `command` with its own number besides: a shell that becomes the program, and so keeps the number that it has. */
export function activated(sockets: readonly HeldSocket[], command: readonly string[]): string[] {
  if (sockets.length === 0) return [...command];
  return ['/bin/sh', '-c', 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', 'sh', ...command];
}
