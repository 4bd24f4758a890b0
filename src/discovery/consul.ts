import type { ServiceEntry } from '../client/index.ts';
import { formatDuration } from '../lib/duration.ts';
import { httpGet } from '../lib/http-get.ts';
import { type Backend, backendOf } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { type PollOptions, poll } from './poll.ts';

export interface ConsulDiscoveryOptions extends PollOptions {
  /** host:port of an agent's HTTP API. */
  readonly address: string;
  readonly serviceName: string;
  /** "": any. */
  readonly tag: string;
  /** Only instances whose checks all pass. */
  readonly passingOnly: boolean;
  /** "": the agent's own. */
  readonly datacenter: string;
  readonly token: string;
  /** "user:password", or "". */
  readonly basicAuth: string;
  /** Speak TLS. Paths of PEM files, "" for none. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
}

/** Longest wait of a question that waits for a change (ms). */
const MAX_WAIT = 300_000;

/**
 * Instances of a service in Consul, or in another Muster. An agent that knows blocking queries is asked to answer with the next
 * change: then a change is here in milliseconds, and the interval only says when to ask anew without one.
 */
export function followConsul(options: ConsulDiscoveryOptions, listener: InstanceListener): Discovery {
  const { address, serviceName, tag, passingOnly, datacenter, token, basicAuth, tls, interval, timeout } =
    options;
  const usual = timeout > 0 ? timeout : 2_000;
  const wait = Math.min(interval, MAX_WAIT);
  let index = 0;
  const list = async (signal: AbortSignal) => {
    const asked = index;
    const query = new URLSearchParams({
      ...(tag === '' ? {} : { tag }),
      ...(passingOnly ? { passing: '1' } : {}),
      ...(datacenter === '' ? {} : { dc: datacenter }),
      ...(asked === 0 ? {} : { index: `${asked}`, wait: formatDuration(wait) }),
    });
    const url = `${tls === undefined ? 'http' : 'https'}://${address}/v1/health/service/${encodeURIComponent(serviceName)}?${query}`;
    // Whatever goes wrong, the next question is a plain one.
    index = 0;
    const { body, headers } = await httpGet(url, {
      signal,
      headers: {
        ...(token === '' ? {} : { 'X-Consul-Token': token }),
        ...(basicAuth === '' ? {} : { Authorization: `Basic ${Buffer.from(basicAuth).toString('base64')}` }),
      },
      ...(tls === undefined ? {} : { tls }),
    });
    const entries: unknown = JSON.parse(body);
    if (!Array.isArray(entries)) throw new Error('the answer is not a list of instances');
    const backends = entries.flatMap((entry: ServiceEntry) => backendOfEntry(entry) ?? []);
    const next = Number(headers['x-consul-index'] ?? 0);
    // An index that goes backwards means that the agent began anew: ask as if for the first time.
    index = interval > 0 && Number.isSafeInteger(next) && next >= asked ? next : 0;
    return { backends, waits: index > 0 };
  };
  return poll(
    { kind: 'consul', timeout: usual, list },
    // A question that waits takes as long as it waits, and up to a sixteenth more.
    { ...options, timeout: usual + (wait * 17) / 16 },
    listener,
  );
}

function backendOfEntry({ Node: node, Service: service }: ServiceEntry): Backend | undefined {
  const sni = service.Tags?.findLast((tag) => tag.startsWith('sni='));
  return backendOf({
    host: service.Address === '' ? node.Address : service.Address,
    port: service.Port,
    serverName: sni?.slice('sni='.length),
  });
}
