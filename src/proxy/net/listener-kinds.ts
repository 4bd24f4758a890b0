import type { ListenerProtocol, ListenerSpec, ListenerSpecs } from '../listener-spec.ts';
import { openHttpListener } from './http-listener.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { openTcpListener } from './tcp-listener.ts';
import { openUdpListener } from './udp-listener.ts';

/** Opens a listener of one protocol. Rejects with `listen.*`. */
type Open<Spec> = (home: ListenerHome, spec: Spec) => Promise<OpenListener>;

/** What this transport can listen for. */
export const LISTENER_KINDS = {
  http: openHttpListener,
  https: openHttpListener,
  tcp: openTcpListener,
  udp: openUdpListener,
} as const satisfies { [Protocol in ListenerProtocol]: Open<ListenerSpecs[Protocol]> };

export function openListener(home: ListenerHome, spec: ListenerSpec): Promise<OpenListener> {
  const open: Open<never> = LISTENER_KINDS[spec.protocol];
  return (open as Open<ListenerSpec>)(home, spec);
}
