import { type CallOptions, type Connection, callOf } from './connection.ts';

/** An archive may be large and its disk slow; ms. */
const TIMEOUT = 300_000;

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

  /** Puts the catalog of an archive in the place of what is there. */
  async restore(archive: Uint8Array, options: CallOptions = {}): Promise<void> {
    await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: '/v1/snapshot',
      body: archive,
      timeout: TIMEOUT,
    });
  }
}
