/** For tests: links between nodes that are one process. */
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import { Keyring } from './keyring.ts';
import { serveLines } from './lines.ts';
import { type LinkServer, listenLinks } from './link.ts';
import { Caller, type Calls, serveRpc } from './rpc.ts';

export const newKey = (bytes = 32) => randomBytes(bytes).toString('base64');
export const ringOf = (key: string) => Keyring.open(key, undefined);

type Feed = Parameters<typeof serveLines>[1];

export async function listen(
  keyring: Keyring,
  calls: Calls = { echo: (text) => text },
  feed: Feed = () => {},
  limits: { handshakeTimeout?: number } = {},
) {
  const lines: LogLine[] = [];
  const logger = createLogger({ level: 'trace', sink: (line) => lines.push(line) });
  const failures: unknown[] = [];
  const server = await listenLinks({
    host: '127.0.0.1',
    port: 0,
    keyring,
    logger,
    clock: systemClock,
    ...limits,
    handlers: {
      rpc: (link) => serveRpc(link, calls, (error) => failures.push(error)),
      lines: (link) => serveLines(link, feed, (error) => failures.push(error)),
    },
  });
  onTestFinished(() => server.stop());
  return { server, lines, failures };
}

export function callerTo(server: LinkServer, keyring: Keyring): Caller {
  const caller = new Caller(server.address, keyring);
  onTestFinished(() => caller.close());
  return caller;
}
