/** Addresses that are given to two listeners of one configuration. */
import type { z } from 'zod';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import { type balancerSchema, DEFAULT_BALANCER } from './balancer.ts';

/** Where something would listen. */
export interface Listening {
  readonly path: readonly (string | number)[];
  /** What the others are told that it is. */
  readonly name: string;
  /** 0: a free one. Below 0: it is off. */
  readonly port: number;
  readonly hosts: readonly string[];
  readonly protocol: 'tcp' | 'udp';
}

/** Two that would listen at the same place, the second one named. Places that only overlap (all addresses, and one of them) are left to the system. */
export function clashes(
  listeners: readonly Listening[],
): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const taken = new Map<string, string>();
  return listeners.flatMap(({ path, name, port, hosts, protocol }) => {
    if (port <= 0) return [];
    return hosts.flatMap((host) => {
      const place = formatHostPort(host, port);
      const key = `${protocol} ${place}`;
      const other = taken.get(key);
      taken.set(key, name);
      return other === undefined ? [] : [{ path, message: `${place} is taken by ${other} already` }];
    });
  });
}

type Balancer = z.output<typeof balancerSchema>;

/** Those of the balancer. Its default addresses give way to others, unless there is something that must be served. */
export function balancerListening({ enabled, listen, listener, service, admin }: Balancer): Listening[] {
  if (!enabled) return [];
  const byDefault = listener.length === 0 && service.length > 0 ? DEFAULT_BALANCER.listen : [];
  const at = (path: Listening['path'], address: string, protocol: Listening['protocol'] = 'tcp') => {
    const place = parseHostPort(address);
    const name = path.reduce<string>(
      (text, key) => text + (typeof key === 'number' ? `[${key}]` : `.${key}`),
      'balancer',
    );
    return place === undefined
      ? []
      : [{ path: ['balancer', ...path], name, hosts: [place.host], port: place.port, protocol }];
  };
  return [
    ...(listen === undefined
      ? byDefault.flatMap((address) => at(['listen'], address))
      : listen.flatMap((address, i) => at(['listen', i], address))),
    ...listener.flatMap(({ address }, i) => at(['listener', i, 'address'], address)),
    ...service.flatMap(({ address, protocol }, i) => at(['service', i, 'address'], address, protocol)),
    ...(admin === undefined ? [] : at(['admin'], admin)),
  ];
}
