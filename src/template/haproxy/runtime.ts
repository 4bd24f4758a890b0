/** HAProxy's runtime API: one command a connection, over its stats socket. */
import net from 'node:net';
import { MusterError } from '../../errors.ts';
import { parseHostPort } from '../../lib/host-port.ts';

/** A command that is not answered by then (ms) will not be: HAProxy answers from memory. */
const TIMEOUT = 5_000;
/** Longest answer that is read (characters): a backend with tens of thousands of servers is shorter. */
const MOST = 16 * 2 ** 20;

/** `socket` is a path or host:port. Throws `template.refused` with what HAProxy said when it did not do it. */
export class Runtime {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** What HAProxy answers. Rejects with `client.unreachable` when it does not. */
  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const place = this.#socket.startsWith('/') ? undefined : parseHostPort(this.#socket);
      const socket = place === undefined ? net.connect(this.#socket) : net.connect(place.port, place.host);
      const fail = (why: string, cause?: unknown): void => {
        socket.destroy();
        reject(
          new MusterError(
            'client.unreachable',
            `HAProxy does not answer at ${this.#socket}: ${why}. It needs "stats socket … level admin" and this user's permission.`,
            { cause },
          ),
        );
      };
      let answer = '';
      socket.setEncoding('utf8');
      socket.setTimeout(TIMEOUT, () => fail(`no answer within ${TIMEOUT} ms`));
      socket.once('error', (cause) => fail(cause.message, cause));
      socket.on('data', (text: string) => {
        answer += text;
        if (answer.length > MOST) fail('an answer without an end');
      });
      socket.once('end', () => {
        socket.destroy();
        resolve(answer.trim());
      });
      socket.end(`${command}\n`);
    });
  }

  /** A command that answers nothing when it was done, or one of `fine`. */
  async tell(command: string, fine: RegExp = /^$/): Promise<void> {
    const answer = await this.ask(command);
    if (!fine.test(answer))
      throw new MusterError('template.refused', `HAProxy refused "${command}": ${answer}`);
  }

  /** The servers of a backend. */
  async servers(backend: string): Promise<PresentServer[]> {
    const answer = await this.ask(`show servers state ${backend}`);
    if (!/^\d+\n#/.test(answer))
      throw new MusterError('template.refused', `HAProxy: ${answer || 'no answer'} (${backend})`);
    return parseServers(answer);
  }

  /** Sessions that each server of a backend has now. */
  async sessions(backend: string): Promise<ReadonlyMap<string, number>> {
    const answer = await this.ask(`show stat ${backend} 4 -1`);
    const rows = answer
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(','));
    return new Map(rows.map((columns) => [columns[1] ?? '', Number(columns[4] ?? 0)]));
  }
}

export interface PresentServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly isDraining: boolean;
  readonly isDown: boolean;
}

/** Bits of srv_admin_state (HAProxy's management guide): in maintenance, draining, by whatever way. */
const MAINTENANCE = 0x01 | 0x02 | 0x04 | 0x20;
const DRAINING = 0x08 | 0x10;

/** The answer to "show servers state": a version, a line with the names of columns, a line for each server. */
function parseServers(answer: string): PresentServer[] {
  const lines = answer.split('\n').filter((line) => line !== '');
  const header = (lines[1] ?? '').replace(/^#\s*/, '').split(' ');
  const column = (row: readonly string[], name: string): string => row[header.indexOf(name)] ?? '';
  return lines.slice(2).map((line) => {
    const row = line.split(' ');
    const admin = Number(column(row, 'srv_admin_state'));
    return {
      name: column(row, 'srv_name'),
      address: column(row, 'srv_addr'),
      port: Number(column(row, 'srv_port')),
      weight: Number(column(row, 'srv_uweight')),
      isDraining: (admin & DRAINING) !== 0,
      isDown: (admin & MAINTENANCE) !== 0,
    };
  });
}
