/** What all connections of one TCP listener have in common. */
import type { Balancer, Target } from '../../balance/balancer.ts';
import type { RateSpec } from '../../route/handling.ts';
import type { AccessSpec } from '../access.ts';
import type { ListedFrontend } from '../client-list.ts';
import type { AcceptProxy } from '../proxy-protocol.ts';
import type { TcpLimits } from './limits.ts';
import type { Peers } from './links.ts';

/** Those among whom the instance for a connection is chosen. */
export interface Takers {
  /** The same for as long as there are any: those who wait for room wait under it. */
  readonly id: string;
  readonly balancer: Balancer;
  /** Those that the balancer chooses from. */
  readonly targets: readonly Target[];
  /** Whether where a client comes from says which of them it may use. */
  readonly isForSome?: boolean;
  /** How many connections a client may open in a time; all of them count. */
  readonly rates: readonly RateSpec[];
  /** Ids of others that were taken out on purpose: sessions with them may go on. */
  readonly draining?: readonly string[] | undefined;
}

/** Where connections can go. */
export interface TcpDestinations {
  /**
   * Whether the server's name is needed to choose. Then the client has to speak first; one that does not begin with a TLS hello
   * asks for no name. Where TLS ends here, the name is known.
   */
  readonly byName: boolean;
  /** Undefined: nobody takes the connection. `name`: in lower case, "" for none. */
  find(name: string, peers: Pick<Peers, 'source'>): Takers | undefined;
}

export interface TcpFrontend extends ListedFrontend {
  readonly limits: TcpLimits & { readonly lameDuck: 0 };
  readonly access: AccessSpec | undefined;
  /** Connections begin with a PROXY header that says who the client is; without one they are closed, unless it is optional. */
  readonly acceptProxy: AcceptProxy;
  /** Version of the PROXY header that instances are sent; 0: none. */
  readonly sendProxy: 0 | 1 | 2;
  /** Index of the listener's counters in the shared counter block. */
  readonly slot: number;
  readonly destinations: TcpDestinations;
}
