import type { EtcdClient } from './client.ts';
import type { Layout } from './layout.ts';

/**
 * What servers tell each other through etcd without its being a part of the catalog: who leads, which sessions were renewed. A
 * signal is a key that lives as long as a lease.
 */
export class Signals {
  readonly #client: EtcdClient;
  readonly #layout: Layout;
  readonly #listeners = new Set<(name: string, value: string | undefined) => void>();

  constructor(client: EtcdClient, layout: Layout) {
    this.#client = client;
    this.#layout = layout;
  }

  /** `value` undefined: the signal is gone. The answer ends the subscription. */
  subscribe(listener: (name: string, value: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  receive(name: string, value: string | undefined): void {
    for (const listener of this.#listeners) listener(name, value);
  }

  async read(name: string): Promise<string | undefined> {
    const { kvs } = await this.#client.range({ key: this.#layout.signals + name });
    return kvs[0]?.value.toString();
  }

  async put(name: string, value: string, lease: bigint): Promise<void> {
    const key = this.#layout.signals + name;
    await this.#client.txn({ compare: [], success: [{ kind: 'put', key, value, lease }] });
  }

  /** Puts a signal that is not there. False when it is. */
  async claim(name: string, value: string, lease: bigint): Promise<boolean> {
    const key = this.#layout.signals + name;
    const { succeeded } = await this.#client.txn({
      compare: [{ key, modRevision: 0 }],
      success: [{ kind: 'put', key, value, lease }],
    });
    return succeeded;
  }
}
