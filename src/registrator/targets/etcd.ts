import { MusterError, messageOf } from '../../errors.ts';
import { EtcdClient, type EtcdOptions } from '../../store/etcd/client.ts';
import { RpcError, STATUS } from '../../store/etcd/grpc.ts';
import type { PresentService, Target } from '../target.ts';
import type { WantedService } from '../wanted.ts';
import { ownerNumber } from './keys.ts';

/** How services stand in etcd. */
export interface EtcdRecords {
  /** What all keys begin with; ends with "/". */
  readonly base: string;
  key(service: Pick<WantedService, 'id' | 'name'>): string;
  value(service: WantedService): string;
  /** The service that a key stands for; undefined for other keys. */
  read(key: string, value: string): { name: string; id: string } | undefined;
}

export interface EtcdTargetOptions {
  readonly etcd: EtcdOptions;
  /** For messages. */
  readonly address: string;
  readonly records: EtcdRecords;
  readonly hostname: string;
  /** Milliseconds; 0 for ever. */
  readonly ttl: number;
}

interface Lease {
  readonly id: bigint;
  readonly seconds: number;
}

/** etcd knows no lease without an end; 100 years is as good. */
const FOR_EVER = 100 * 365 * 24 * 3600;
/** Of a member that is away. */
const AWAY: ReadonlySet<number> = new Set([STATUS.cancelled, STATUS.deadlineExceeded, STATUS.unavailable]);

/**
 * Keys in etcd, by its third API. All keys of a host hang on a lease whose number is made of the host's name and the TTL:
 * it says whose they are, and ends them when a TTL is set and nobody renews it. The one without an end is looked at in any
 * case: the run before may have had no TTL.
 */
export function etcdTarget({ etcd, address, records, hostname, ttl }: EtcdTargetOptions): Target {
  const client = new EtcdClient(etcd);
  const seconds = Math.ceil(ttl / 1000);
  const lasting: Lease = { id: BigInt(ownerNumber(hostname)), seconds: FOR_EVER };
  const ending: Lease = { id: BigInt(ownerNumber(hostname, `${seconds}`)), seconds };
  const lease = ttl > 0 ? ending : lasting;

  /** What etcd answers; undefined when it refuses with `accept`, one of gRPC's statuses. */
  const asked = async <T>(signal: AbortSignal, call: () => Promise<T>, accept?: number) => {
    for (let left = etcd.endpoints.length; ; ) {
      signal.throwIfAborted();
      try {
        return await call();
      } catch (cause) {
        signal.throwIfAborted();
        const status = cause instanceof RpcError ? cause.status : STATUS.unknown;
        if (status === accept) return undefined;
        if (!AWAY.has(status))
          throw new MusterError('client.refused', `etcd at ${address} refuses: ${messageOf(cause)}`, {
            cause,
          });
        // The next call goes to another member; writing twice what is the same does no harm.
        if (--left === 0)
          throw new MusterError('client.unreachable', `no etcd answers at ${address}: ${messageOf(cause)}`, {
            cause,
          });
      }
    }
  };

  // Refused when it is there already, which is as good.
  const grant = (signal: AbortSignal) =>
    asked(signal, () => client.grantLease(lease.seconds, lease.id), STATUS.failedPrecondition);

  return {
    address,
    async ping(signal) {
      await grant(signal);
    },
    async list(signal) {
      const answer = await asked(signal, () => client.range(rangeOf(records.base)));
      return (answer?.kvs ?? []).flatMap(({ key, value, lease: own }): PresentService[] => {
        const service = records.read(key.toString(), value.toString());
        if (service === undefined) return [];
        const isOurs = own === lasting.id || own === ending.id;
        const print = printOf(service.name, value.toString(), own);
        return [{ ...service, owner: isOurs ? hostname : undefined, print }];
      });
    },
    print: (service) => printOf(service.name, records.value(service), lease.id),
    async put(service, signal) {
      const put = {
        kind: 'put',
        key: records.key(service),
        value: records.value(service),
        lease: lease.id,
      } as const;
      const write = () => client.txn({ compare: [], success: [put] });
      if ((await asked(signal, write, STATUS.notFound)) !== undefined) return;
      await grant(signal);
      await asked(signal, write);
    },
    async remove(service, signal) {
      const key = records.key(service);
      await asked(signal, () => client.txn({ compare: [], success: [{ kind: 'delete', key }] }));
    },
    ...(ttl > 0
      ? {
          async refresh(signal: AbortSignal) {
            if ((await asked(signal, () => client.keepLease(lease.id))) === true) return;
            throw new MusterError('client.refused', 'they had run out');
          },
        }
      : {}),
    close: () => client.close(),
  };
}

const printOf = (name: string, value: string, lease: bigint): string => `${name} ${value} ${lease}`;

/** All keys that start with `base`, which ends with "/": up to the first that does not. */
function rangeOf(base: string): { key: string; end: string } {
  return { key: base, end: `${base.slice(0, -1)}0` };
}
