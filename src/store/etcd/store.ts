import { Catalog } from '../../catalog/catalog.ts';
import { MusterError, messageOf } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type Logger, silentLogger } from '../../lib/log.ts';
import type { Store } from '../store.ts';
import { EtcdClient, type EtcdOptions } from './client.ts';
import { Commits, DEFAULT_TXN_LIMITS, noLeader, type TxnLimits } from './commits.ts';
import { Layout } from './layout.ts';
import { Replica } from './replica.ts';
import { Signals } from './signals.ts';

export interface EtcdStoreOptions extends EtcdOptions {
  /** All keys begin with it: several clusters of Muster can share one of etcd. */
  readonly prefix: string;
  readonly onSubscriberError: (error: unknown) => void;
  readonly limits?: TxnLimits;
  readonly clock?: Clock;
  /** The time of day that commands are told, ms since the epoch; that of the clock unless told otherwise. */
  readonly time?: () => number;
  readonly random?: () => number;
  readonly logger?: Logger;
}

/** A majority that was not heard of for so long, in ms, counts as gone: more than an election takes. */
const KNOWN_FOR = 2_500;

export interface EtcdStore extends Store {
  readonly client: EtcdClient;
  readonly signals: Signals;
  /** After a majority was given up: leaves the indexes out that it may have used. */
  skipAhead(): Promise<void>;
}

/**
 * The store for several machines: the truth lies in etcd, each process holds a replica of it. Rejects with
 * `store.unusable` when no endpoint answers.
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<EtcdStore> {
  const {
    onSubscriberError,
    limits = DEFAULT_TXN_LIMITS,
    clock = systemClock,
    random = Math.random,
  } = options;
  const { time = () => clock.now(), logger = silentLogger } = options;
  const client = new EtcdClient(options);
  const layout = new Layout(options.prefix);
  const catalog = new Catalog(onSubscriberError);
  const signals = new Signals(client, layout);
  const onSignal = (name: string, value: string | undefined) => signals.receive(name, value);
  const replica = new Replica({ client, layout, catalog, clock, random, logger, onSignal });
  const commits = new Commits({ client, layout, catalog, replica, limits, clock, time });
  try {
    await replica.start();
  } catch (cause) {
    replica.close();
    client.close();
    throw new MusterError(
      'store.unusable',
      `etcd does not answer at ${options.endpoints.join(', ')}: ${messageOf(cause)}`,
      { cause },
    );
  }
  let closing: Promise<void> | undefined;
  return {
    kind: 'etcd',
    catalog,
    client,
    signals,
    write: (command) => commits.write(command),
    skipAhead: () => commits.skipAhead(),
    remote: {
      isLoaded: true,
      contact: () => ({ known: replica.silence < KNOWN_FOR, silence: replica.silence }),
      async refresh() {
        try {
          await replica.refresh();
        } catch (cause) {
          throw noLeader(cause);
        }
      },
    },
    close() {
      closing ??= commits.close().then(() => {
        replica.close();
        client.close();
      });
      return closing;
    },
  };
}
