/** What all connections of one TCP listener have in common. */
import type { Balancer } from '../../balance/balancer.ts';
import type { AccessSpec } from '../access.ts';
import type { ListedFrontend } from '../client-list.ts';
import type { TcpLimits } from './limits.ts';
import type { Peers } from './session.ts';

/** Where connections can go. */
export interface TcpDestinations {
  /**
   * Whether the server's name is needed to choose. Then the client has to begin with a TLS hello, unless TLS ends here and
   * the name is known.
   */
  readonly byName: boolean;
  /** Who is to choose the instance; undefined: nobody takes the connection. `name`: in lower case, "" for none. */
  find(name: string, peers: Pick<Peers, 'source'>): Balancer | undefined;
}

export interface TcpFrontend extends ListedFrontend {
  readonly limits: TcpLimits & { readonly lameDuck: 0 };
  readonly access: AccessSpec | undefined;
  /** Connections begin with a PROXY header that says who the client is; without one they are closed. */
  readonly acceptProxy: boolean;
  /** Version of the PROXY header that instances are sent; 0: none. */
  readonly sendProxy: 0 | 1 | 2;
  /** Index of the listener's counters in the shared counter block. */
  readonly slot: number;
  readonly destinations: TcpDestinations;
}
