import {
  always,
  amount,
  anything,
  flag,
  listOf,
  mapOf,
  nanoseconds,
  optional,
  period,
  type Shape,
  struct,
  text,
} from './shape.ts';

type Content = Record<string, unknown>;

/** A kind of config entry: the fields of Consul 1.10, and what of them it refuses. */
export interface ConfigKind {
  readonly fields: Shape;
  /** Answers the content as it is kept; throws `Error` in Consul's words. */
  normalize?(content: Content, name: string): Content;
  /** The only name there is; the answer does not tell it where `unnamed`. */
  readonly onlyName?: string;
  readonly unnamed?: true;
}

const META = mapOf(text);
const MESH_GATEWAY = struct({ Mode: text });
const EXPOSE = struct({
  Checks: flag,
  Paths: listOf(
    struct({
      ListenerPort: amount,
      Path: text,
      LocalPathPort: amount,
      Protocol: text,
      ParsedFromCheck: flag,
    }),
  ),
});
const TRANSPARENT_PROXY = struct({ OutboundListenerPort: amount, DialedDirectly: flag });
const UPSTREAM = struct({
  Name: text,
  EnvoyListenerJSON: text,
  EnvoyClusterJSON: text,
  Protocol: text,
  ConnectTimeoutMs: amount,
  Limits: optional(
    struct({ MaxConnections: amount, MaxPendingRequests: amount, MaxConcurrentRequests: amount }),
  ),
  PassiveHealthCheck: optional(struct({ Interval: period, MaxFailures: amount })),
  MeshGateway: MESH_GATEWAY,
});
const HEADERS = optional(struct({ Add: mapOf(text), Set: mapOf(text), Remove: listOf(text) }));

const ROUTE = struct({
  Match: optional(
    struct({
      HTTP: optional(
        struct({
          PathExact: text,
          PathPrefix: text,
          PathRegex: text,
          Header: listOf(
            struct({
              Name: always(text, ''),
              Present: flag,
              Exact: text,
              Prefix: text,
              Suffix: text,
              Regex: text,
              Invert: flag,
            }),
          ),
          QueryParam: listOf(struct({ Name: always(text, ''), Present: flag, Exact: text, Regex: text })),
          Methods: listOf(text),
        }),
      ),
    }),
  ),
  Destination: optional(
    struct({
      Service: text,
      ServiceSubset: text,
      PrefixRewrite: text,
      RequestTimeout: period,
      NumRetries: amount,
      RetryOnConnectFailure: flag,
      RetryOnStatusCodes: listOf(amount),
      RequestHeaders: HEADERS,
      ResponseHeaders: HEADERS,
    }),
  ),
});

const INTENTION_PERMISSION = struct({
  Action: always(text, ''),
  HTTP: optional(
    struct({
      PathExact: text,
      PathPrefix: text,
      PathRegex: text,
      Header: listOf(
        struct({
          Name: always(text, ''),
          Present: flag,
          Exact: text,
          Prefix: text,
          Suffix: text,
          Regex: text,
          Invert: flag,
        }),
      ),
      Methods: listOf(text),
    }),
  ),
});

/** The kinds that Consul 1.10 knows. They are kept and served; there is no mesh behind them that would act on them. */
export const CONFIG_KINDS: ReadonlyMap<string, ConfigKind> = new Map<string, ConfigKind>([
  [
    'service-defaults',
    {
      fields: struct({
        Protocol: always(text, ''),
        Mode: text,
        TransparentProxy: TRANSPARENT_PROXY,
        MeshGateway: MESH_GATEWAY,
        Expose: EXPOSE,
        ExternalSNI: text,
        UpstreamConfig: optional(struct({ Overrides: listOf(UPSTREAM), Defaults: optional(UPSTREAM) })),
        Meta: META,
      }),
      normalize: (content) => ({ ...content, Protocol: (content.Protocol as string).toLowerCase() }),
    },
  ],
  [
    'proxy-defaults',
    {
      onlyName: 'global',
      fields: struct({
        Config: always(mapOf(anything), null),
        Mode: text,
        TransparentProxy: TRANSPARENT_PROXY,
        MeshGateway: MESH_GATEWAY,
        Expose: EXPOSE,
        Meta: META,
      }),
    },
  ],
  ['service-router', { fields: struct({ Routes: always(listOf(ROUTE), null), Meta: META }) }],
  [
    'service-splitter',
    {
      fields: struct({
        Splits: always(
          listOf(
            struct({
              Weight: always(amount, 0),
              Service: text,
              ServiceSubset: text,
              RequestHeaders: HEADERS,
              ResponseHeaders: HEADERS,
            }),
          ),
          null,
        ),
        Meta: META,
      }),
      normalize: splitter,
    },
  ],
  [
    'service-resolver',
    {
      fields: struct({
        DefaultSubset: text,
        Subsets: mapOf(struct({ Filter: text, OnlyPassing: flag })),
        Redirect: optional(struct({ Service: text, ServiceSubset: text, Datacenter: text })),
        Failover: mapOf(struct({ Service: text, ServiceSubset: text, Datacenters: listOf(text) })),
        ConnectTimeout: period,
        LoadBalancer: optional(
          struct({
            Policy: text,
            RingHashConfig: optional(struct({ MinimumRingSize: amount, MaximumRingSize: amount })),
            LeastRequestConfig: optional(struct({ ChoiceCount: amount })),
            HashPolicies: listOf(
              struct({
                Field: text,
                FieldValue: text,
                CookieConfig: optional(struct({ Session: flag, TTL: nanoseconds, Path: text })),
                SourceIP: flag,
                Terminal: flag,
              }),
            ),
          }),
        ),
        Meta: META,
      }),
    },
  ],
  [
    'ingress-gateway',
    {
      fields: struct({
        TLS: struct({ Enabled: always(flag, false) }),
        Listeners: always(
          listOf(
            struct({
              Port: always(amount, 0),
              Protocol: always(text, 'tcp'),
              Services: always(
                listOf(
                  struct({
                    Name: always(text, ''),
                    Hosts: always(listOf(text), null),
                    Meta: META,
                    RequestHeaders: HEADERS,
                    ResponseHeaders: HEADERS,
                  }),
                ),
                null,
              ),
            }),
          ),
          null,
        ),
        Meta: META,
      }),
    },
  ],
  [
    'terminating-gateway',
    {
      fields: struct({
        Services: always(
          listOf(struct({ Name: text, CAFile: text, CertFile: text, KeyFile: text, SNI: text })),
          null,
        ),
        Meta: META,
      }),
    },
  ],
  [
    'service-intentions',
    {
      fields: struct({
        Sources: always(
          listOf(
            struct({
              Name: always(text, ''),
              Action: text,
              Permissions: listOf(INTENTION_PERMISSION),
              Precedence: always(amount, 0),
              Type: always(text, 'consul'),
              Description: text,
            }),
          ),
          null,
        ),
        Meta: META,
      }),
      normalize: intentions,
    },
  ],
  [
    'mesh',
    {
      onlyName: 'mesh',
      unnamed: true,
      fields: struct({
        TransparentProxy: struct({ MeshDestinationsOnly: always(flag, false) }),
        Meta: META,
      }),
    },
  ],
]);

/** Shares of traffic have to make a whole; one hundredth of a percent is the least that Consul tells apart. */
function splitter(content: Content): Content {
  const splits = (content.Splits ?? []) as { Weight: number }[];
  if (splits.length === 0) throw new Error('no splits configured');
  const rounded = splits.map((split) => ({ ...split, Weight: Math.round(split.Weight * 100) / 100 }));
  const sum = rounded.reduce((total, { Weight }) => total + Math.round(Weight * 100), 0);
  if (sum !== 10_000)
    throw new Error(`the sum of all split weights must be 100, not ${(sum / 100).toFixed(6)}`);
  return { ...content, Splits: rounded };
}

const WILDCARD = '*';

/** Fills in which rule goes before which: the more exactly source and destination are named, the higher. */
function intentions(content: Content, name: string): Content {
  const sources = (content.Sources ?? []) as { Name: string; Action?: string; Permissions?: unknown[] }[];
  if (sources.length === 0) throw new Error('At least one source is required');
  const seen = new Set<string>();
  const ranked = sources.map((source, i) => {
    if (source.Name === '') throw new Error(`Sources[${i}].Name is required`);
    if (seen.has(source.Name))
      throw new Error(`Sources[${i}] defines ${JSON.stringify(source.Name)} more than once`);
    seen.add(source.Name);
    const listed = (source.Permissions ?? []).length > 0;
    if (!listed && source.Action !== 'allow' && source.Action !== 'deny')
      throw new Error(`Sources[${i}].Action must be set to 'allow' or 'deny'`);
    const exact = source.Name !== WILDCARD;
    const Precedence = name === WILDCARD ? (exact ? 6 : 5) : exact ? 9 : 8;
    return { ...source, Precedence };
  });
  return { ...content, Sources: ranked.sort((a, b) => b.Precedence - a.Precedence) };
}
