import { type CallOptions, type Connection, callOf, type ReadOptions, segment } from './connection.ts';

/** A config entry: kept for those who read it. Its other members are those of its kind. */
export interface ConfigEntry {
  Kind: string;
  Name?: string;
  [member: string]: unknown;
}

/** Config entries: what a whole service, or all of them, are set to. */
export class ConfigCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get(kind: string, name: string, options: ReadOptions = {}): Promise<ConfigEntry> {
    const path = `/v1/config/${segment(kind)}/${segment(name)}`;
    return (await this.#connection.read<ConfigEntry>(path, options)).value;
  }

  async list(kind: string, options: ReadOptions = {}): Promise<ConfigEntry[]> {
    return (await this.#connection.read<ConfigEntry[]>(`/v1/config/${segment(kind)}`, options)).value;
  }

  /** False when `cas`, the entry's `ModifyIndex`, did not apply. */
  put(entry: object, options: CallOptions & { cas?: number } = {}): Promise<boolean> {
    return this.#connection.put<boolean>('/v1/config', callOf(options), entry, { cas: options.cas });
  }

  async delete(kind: string, name: string, options: CallOptions = {}): Promise<void> {
    const path = `/v1/config/${segment(kind)}/${segment(name)}`;
    await this.#connection.send({ ...callOf(options), method: 'DELETE', path });
  }
}
