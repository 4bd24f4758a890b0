import { type CallOptions, type Connection, callOf } from './connection.ts';

/** An archive may be large and its disk slow; ms. */
const TIMEOUT = 300_000;

/** What became of a snapshot of Consul. Counts. */
export interface TakenOver {
  /** Rows by the table that they are in now. */
  readonly restored: Readonly<Record<string, number>>;
  /** What means nothing to Muster, by what it is, in the plural. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Nodes whose agent is not one of this cluster: they are critical until it is. */
  readonly silentAgents: number;
}

/** The whole catalog as one archive. */
export class SnapshotCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The archive, and the index of the catalog in it. */
  async save(options: CallOptions = {}): Promise<{ archive: Uint8Array; index: number }> {
    const { response, bytes } = await this.#connection.send({
      ...callOf(options),
      path: '/v1/snapshot',
      timeout: TIMEOUT,
    });
    return { archive: bytes, index: Number(response.headers.get('x-consul-index') ?? 0) };
  }

  /** Puts the catalog of an archive in the place of what is there. Answers what was made of a snapshot of Consul; undefined for one of Muster. */
  async restore(archive: Uint8Array, options: CallOptions = {}): Promise<TakenOver | undefined> {
    const { bytes } = await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: '/v1/snapshot',
      body: archive,
      timeout: TIMEOUT,
    });
    if (bytes.length === 0) return undefined;
    const told = JSON.parse(new TextDecoder().decode(bytes)) as {
      Restored: TakenOver['restored'];
      LeftOut: TakenOver['leftOut'];
      SilentAgents: number;
    };
    return { restored: told.Restored, leftOut: told.LeftOut, silentAgents: told.SilentAgents };
  }
}
