import { isMusterError, messageOf } from '../errors.ts';
import { pause } from '../lib/clock.ts';
import { type EtcdStore, type EtcdStoreOptions, openEtcdStore } from '../store/etcd/store.ts';
import { type EtcdProcess, OWN_TXN_LIMITS } from './etcd-process.ts';

/** How often waiting is mentioned in the log, in ms. */
export const WAIT_LOG = 10_000;
/** An etcd that starts is there by then, and waiting for it is no news, in ms. */
const STARTS_IN = 5_000;
/** Between two looks at what there is to do, in ms. */
export const TURN = 200;
/** Only nodes with the key can ask; the catalog of one cluster lies below this in its etcd. */
const PREFIX = '/muster';

type Passed = 'onSubscriberError' | 'clock' | 'time' | 'random' | 'logger';

export interface OwnStoreOptions extends Required<Pick<EtcdStoreOptions, Passed>> {
  etcd: EtcdProcess;
  /** Nobody wants it any more. */
  isOver(): boolean;
}

/** Opens the store on the server's own etcd, which answers once a majority of the servers is there. Throws `store.unusable` when it is over. */
export async function openOwnStore({ etcd, isOver, ...options }: OwnStoreOptions): Promise<EtcdStore> {
  const { clock, logger } = options;
  for (let mentioned = clock.now() - WAIT_LOG + STARTS_IN; ; ) {
    try {
      return await openEtcdStore({
        ...options,
        endpoints: [etcd.endpoint],
        prefix: PREFIX,
        limits: OWN_TXN_LIMITS,
        logger: logger.child('store'),
      });
    } catch (error) {
      if (isOver() || !isMusterError(error, 'store.unusable')) throw error;
      if (clock.now() - mentioned >= WAIT_LOG) {
        mentioned = clock.now();
        logger.info('waiting for etcd', {
          error: messageOf(error),
          hint: 'it answers once a majority of the servers is there: when that is lost for good, stop this server and run `muster operator recover -data-dir=DIR`',
        });
      }
      await pause(clock, TURN);
    }
  }
}
