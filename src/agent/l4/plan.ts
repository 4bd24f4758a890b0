/** What a TCP, TLS or UDP service is to be, wherever it was configured: a flag, a gobetween file, the agent's configuration. */

import type { TargetTls } from '../../balance/balancer.ts';
import type { StrategyName } from '../../balance/strategies.ts';
import type { CheckPlan } from '../../discovery/checks.ts';
import type { Discovery, InstanceListener } from '../../discovery/instance.ts';
import type { HostPort } from '../../lib/host-port.ts';
import type { SourceOptions } from '../../proxy/certificates/kinds.ts';
import type { TcpListenerSpec, UdpListenerSpec } from '../../proxy/listener-spec.ts';
import type { TlsSettings } from '../../proxy/tls/spec.ts';
import type { PoolOptions } from '../../route/pool-options.ts';
import type { NameRules } from '../../route/pool-spec.ts';

type Options<Spec> = Omit<Spec, 'id' | 'host' | 'port' | 'pool' | 'slot' | 'tls'>;

export interface L4Plan {
  /** Unique; what messages, statistics and counters call it. */
  readonly name: string;
  readonly listen: HostPort;
  readonly listener: Options<TcpListenerSpec> | Options<UdpListenerSpec>;
  /** TLS ends here, with the certificates of these sources. */
  readonly tls?:
    | { readonly settings: Omit<TlsSettings, 'store'>; readonly sources: readonly SourceOptions[] }
    | undefined;
  readonly strategy: StrategyName;
  /** Whether the instances' weights and priorities count; otherwise all are alike. */
  readonly isWeighted: boolean;
  readonly options?: PoolOptions | undefined;
  /** Where the balancer stands; "" or nothing: nowhere in particular. */
  readonly zone?: string | undefined;
  readonly names?: NameRules | undefined;
  /** Instances are spoken to over TLS. */
  readonly upstreamTls?: TargetTls | undefined;
  readonly discover: (listener: InstanceListener) => Discovery;
  /** Undefined: an instance is well until connections to it fail. */
  readonly check?: CheckPlan | undefined;
}
