/** Which backend of which HAProxy, and how: by itself, so that a configuration is read without what follows it. */
import { MusterError } from '../../errors.ts';

export interface HaproxySettings {
  /** Path of HAProxy's stats socket, or host:port. */
  readonly socket: string;
  readonly backend: string;
  /** In the notation of templates: `tag.name@dc|passing,warning`. */
  readonly service: string;
  /** Behind each new server: "check inter 1s". */
  readonly serverOptions: string;
  /** How long a leaving server's sessions may go on (ms); then they are cut. */
  readonly drain: number;
  /** A list with fewer instances changes nothing. */
  readonly minEntries: number;
}

export const DEFAULT_HAPROXY: Omit<HaproxySettings, 'socket' | 'backend' | 'service'> = {
  serverOptions: '',
  drain: 30_000,
  minEntries: 0,
};

/** "SOCKET:BACKEND:SERVICE"; the socket is a path or host:port. */
export function parseHaproxyFlag(text: string): HaproxySettings {
  const [, socket, backend, service] = /^(\/[^:]*|\[[^\]]*\]:\d+|[^:/]*:\d+):([^:]+):(.+)$/.exec(text) ?? [];
  if (socket === undefined || backend === undefined || service === undefined)
    throw new MusterError(
      'usage',
      `-haproxy: expected "socket:backend:service" such as /run/haproxy/admin.sock:web:web, got ${JSON.stringify(text)}`,
    );
  return { ...DEFAULT_HAPROXY, socket, backend, service };
}
