/** What a listener is told when it is opened. Plain data: it goes to the workers by `postMessage`. */
import type { AccessSpec } from './access.ts';
import type { ProxyLimits } from './limits.ts';
import type { AcceptProxy } from './proxy-protocol.ts';
import type { TcpLimits } from './tcp/limits.ts';
import type { TlsSettings } from './tls/spec.ts';
import type { UdpLimits } from './udp/limits.ts';

/** What every listener has, whatever it speaks. */
export interface ListenerBase {
  /** Unique in a fleet; what its address is told under, and what closes it. */
  readonly id: string;
  readonly host: string;
  /** 0: any free one, the same in all workers. */
  readonly port: number;
  /** Another worker of the fleet listens there too: only then may the port be somebody's already. Set by the fleet. */
  readonly isShared?: boolean;
  /** Sockets that listen there already, for this worker alone. Set by the fleet. */
  readonly descriptors?: readonly number[] | undefined;
}

/** HTTP in clear text. */
export interface HttpListenerSpec extends ListenerBase {
  readonly protocol: 'http';
  /** On top of the fleet's own, for this listener's clients. */
  readonly limits?: Partial<ProxyLimits>;
  /** HTTP/2 besides HTTP/1.1: over TLS with clients that offer it, in clear text with clients that begin with it. */
  readonly http2?: boolean | undefined;
  /** Connections begin with a PROXY header that says who the client is; without one they are closed, unless it is optional. */
  readonly acceptProxy?: AcceptProxy | undefined;
  /** How long (ms) that header may take where there has to be one. */
  readonly proxyTimeout?: number | undefined;
}

/** HTTP over TLS. */
export interface HttpsListenerSpec extends Omit<HttpListenerSpec, 'protocol'> {
  readonly protocol: 'https';
  readonly tls: TlsSettings;
  /** Clients that ask for a name that a TCP route is for are relayed as they are. */
  readonly relaysNames?: boolean | undefined;
}

/** TCP, relayed to the instances of a pool. */
export interface TcpListenerSpec extends ListenerBase {
  readonly protocol: 'tcp';
  /** Id of the pool; "" when `byRoute` says where connections go. */
  readonly pool: string;
  /** By the routes of the table: that of the listener's own address, or of the name that a TLS client asks for (see `RouteDestinations`). */
  readonly byRoute?: 'address' | 'name' | undefined;
  /** Index of the listener's counters in the shared counter block. */
  readonly slot: number;
  readonly limits?: Partial<TcpLimits>;
  readonly access?: AccessSpec | undefined;
  /** See `TcpFrontend`; in front of the handshake where TLS ends here. */
  readonly acceptProxy?: AcceptProxy;
  readonly sendProxy?: 0 | 1 | 2;
  /** TLS ends here, and what is inside is relayed. */
  readonly tls?: TlsSettings | undefined;
}

/** Datagrams, exchanged with the instances of a pool. */
export interface UdpListenerSpec extends ListenerBase {
  readonly protocol: 'udp';
  readonly pool: string;
  readonly slot: number;
  readonly limits?: Partial<UdpLimits>;
  readonly access?: AccessSpec | undefined;
}

/** All kinds by their protocol: a kind adds its line here and one in its transport's record (`net/listener-kinds.ts`). */
export interface ListenerSpecs {
  http: HttpListenerSpec;
  https: HttpsListenerSpec;
  tcp: TcpListenerSpec;
  udp: UdpListenerSpec;
}

export type ListenerProtocol = keyof ListenerSpecs;
export type ListenerSpec = ListenerSpecs[ListenerProtocol];

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a listener listens, and on which sockets. */
export interface Listening extends ListenAddress {
  readonly descriptors: readonly number[];
}
