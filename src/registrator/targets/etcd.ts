import { MusterError, messageOf } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { PresentService, Target } from '../target.ts';
import type { WantedService } from '../wanted.ts';
import { keyIn, ownerNumber, serviceOfKey } from './keys.ts';

export interface EtcdOptions {
  /** "http://127.0.0.1:2379", without a slash at its end. */
  readonly url: string;
  /** For messages. */
  readonly address: string;
  /** With the slash at its end: "/", "/services/". */
  readonly base: string;
  readonly hostname: string;
  /** Milliseconds; 0 for ever. */
  readonly ttl: number;
  readonly fetch?: typeof globalThis.fetch;
}

interface Lease {
  readonly id: string;
  readonly seconds: number;
}

/** etcd knows no lease without an end; 100 years is as good. */
const FOR_EVER = 100 * 365 * 24 * 3600;
const TIMEOUT = 10_000;
/** gRPC's numbers, as etcd's JSON gateway hands them on. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

/**
 * `<prefix>/<name>/<id>` = `<address>:<port>` in etcd, over the JSON gateway of its third API. All keys of a host hang on a
 * lease whose number is made of the host's name and the TTL: it says whose they are, and ends them when a TTL is set and
 * nobody renews it. The one without an end is looked at in any case: the run before may have had no TTL.
 */
export function etcdTarget({
  url,
  address,
  base,
  hostname,
  ttl,
  fetch = globalThis.fetch,
}: EtcdOptions): Target {
  const seconds = Math.ceil(ttl / 1000);
  const lasting: Lease = { id: `${ownerNumber(hostname)}`, seconds: FOR_EVER };
  const ending: Lease = { id: `${ownerNumber(hostname, `${seconds}`)}`, seconds };
  const lease = ttl > 0 ? ending : lasting;

  const call = async <T>(
    path: string,
    body: object,
    signal: AbortSignal,
    accept?: number,
  ): Promise<T | undefined> => {
    signal.throwIfAborted();
    let status: number;
    let text: string;
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
      const answer = await fetch(`${url}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: within,
      });
      status = answer.status;
      text = await answer.text();
    } catch (cause) {
      signal.throwIfAborted();
      const why = messageOf((cause as { cause?: unknown }).cause ?? cause);
      throw new MusterError('client.unreachable', `no etcd answers at ${url}: ${why}`, { cause });
    }
    const value = parsed(text);
    if (status === 200) return value as T;
    if (accept !== undefined && value?.code === accept) return undefined;
    const said = typeof value?.message === 'string' ? value.message : `status ${status}`;
    const isPassing = status >= 500;
    throw new MusterError(
      isPassing ? 'client.unreachable' : 'client.refused',
      `etcd at ${url} refused ${path}: ${said}${status === 404 ? '. Muster speaks etcd 3.4 or newer' : ''}`,
    );
  };

  // Refused when it is there already, which is as good.
  const grant = (signal: AbortSignal) =>
    call('/v3/lease/grant', { ID: lease.id, TTL: `${lease.seconds}` }, signal, FAILED_PRECONDITION);

  const range = rangeOf(base);
  return {
    address,
    async ping(signal) {
      await grant(signal);
    },
    async list(signal) {
      const answer = await call<{ kvs?: { key: string; value?: string; lease?: string }[] }>(
        '/v3/kv/range',
        range,
        signal,
      );
      return (answer?.kvs ?? []).flatMap(({ key, value = '', lease: own }): PresentService[] => {
        const service = serviceOfKey(base, text(key));
        if (service === undefined) return [];
        const isOurs = own === lasting.id || own === ending.id;
        return [
          {
            ...service,
            owner: isOurs ? hostname : undefined,
            print: printOf(service.name, text(value), own),
          },
        ];
      });
    },
    print: (service) => printOf(service.name, addressText(service), lease.id),
    async put(service, signal) {
      const body = {
        key: base64(keyIn(base, service)),
        value: base64(addressText(service)),
        lease: lease.id,
      };
      if ((await call('/v3/kv/put', body, signal, NOT_FOUND)) !== undefined) return;
      await grant(signal);
      await call('/v3/kv/put', body, signal);
    },
    async remove(service, signal) {
      await call('/v3/kv/deleterange', { key: base64(keyIn(base, service)) }, signal);
    },
    ...(ttl > 0
      ? {
          async refresh(signal: AbortSignal) {
            await call('/v3/lease/keepalive', { ID: lease.id }, signal);
          },
        }
      : {}),
  };
}

const addressText = ({ address, port }: WantedService): string => formatHostPort(address, port);
const printOf = (name: string, value: string, lease: string | undefined): string =>
  `${name} ${value} ${lease}`;
const base64 = (value: string): string => Buffer.from(value).toString('base64');
const text = (value: string): string => Buffer.from(value, 'base64').toString();

/** All keys that start with `prefix`: up to the first that does not. */
function rangeOf(prefix: string): { key: string; range_end: string } {
  const end = Buffer.from(prefix);
  // It ends with "/", which has a next byte.
  end[end.length - 1] = (end[end.length - 1] as number) + 1;
  return { key: base64(prefix), range_end: end.toString('base64') };
}

function parsed(body: string): { code?: unknown; message?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
