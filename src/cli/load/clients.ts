/** Who sends: so many clients, each with connections of its own that it keeps, as browsers have. */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

/** To one host, as in Chromium and Firefox. */
export const MOST_CONNECTIONS = 6;

/** An address that has not answered by then, in ms, is given up for the next one; browsers keep it as well, Node does not. */
const SLOW_CONNECT = 1_000;

export interface ClientsOptions {
  readonly url: URL;
  /** How many; they send in turn. */
  readonly clients: number;
  /** Most connections of one at a time; further requests wait, and the wait counts. */
  readonly connections: number;
  /** Use a connection for more than one request. */
  readonly keepAlive: boolean;
  /** How host names become addresses; the system's way unless given. */
  readonly lookup?: LookupFunction | undefined;
}

export class Clients {
  readonly #agents: readonly http.Agent[];
  #turn = 0;

  constructor({ url, clients, connections, keepAlive, lookup }: ClientsOptions) {
    const { Agent } = url.protocol === 'https:' ? https : http;
    this.#agents = Array.from(
      { length: clients },
      () =>
        new Agent({
          keepAlive,
          maxSockets: connections,
          maxFreeSockets: connections,
          // Of several addresses the next is tried when one refuses.
          autoSelectFamily: true,
          autoSelectFamilyAttemptTimeout: SLOW_CONNECT,
          ...(lookup === undefined ? {} : { lookup }),
        }),
    );
  }

  /** The connections of the one whose turn it is. */
  next(): http.Agent {
    return this.#agents[this.#turn++ % this.#agents.length]!;
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }
}
