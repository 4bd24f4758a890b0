import type { EtcdClient } from './client.ts';
import type { Layout } from './layout.ts';

/**
 * What servers tell each other through etcd without its being a part of the catalog: who leads, which sessions
 * were renewed. A signal is a key that lives as long as a lease.
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

  /** With the revision at which it was put; undefined: it is not there. */
  async read(name: string): Promise<{ value: string; revision: number } | undefined> {
    const [kv] = (await this.#client.range({ key: this.#layout.signals + name })).kvs;
    return kv === undefined ? undefined : { value: kv.value.toString(), revision: kv.modRevision };
  }

  async put(name: string, value: string, lease: bigint): Promise<void> {
    const key = this.#layout.signals + name;
    await this.#client.txn({ compare: [], success: [{ kind: 'put', key, value, lease }] });
  }

  /** Puts a signal in the place of the one that was put at `revision`, 0 for none. False when another was faster. */
  async claim(
    name: string,
    value: string,
    { lease, revision }: { lease: bigint; revision: number },
  ): Promise<boolean> {
    const key = this.#layout.signals + name;
    const { succeeded } = await this.#client.txn({
      compare: [{ key, modRevision: revision }],
      success: [{ kind: 'put', key, value, lease }],
    });
    return succeeded;
  }
}
