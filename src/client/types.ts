/**
 * Shapes as they are on the wire of the HTTP API, in Consul's casing. Answers may hold more members than are
 * named here: newer servers add some.
 */

/** "10s", "1m30s": a duration as Go writes it. */
export type GoDuration = string;

export type CheckState = 'passing' | 'warning' | 'critical';

export interface Weights {
  Passing: number;
  Warning: number;
}

export interface ServiceAddress {
  Address: string;
  Port: number;
}

export interface NodeEntry {
  ID: string;
  Node: string;
  Address: string;
  Datacenter: string;
  TaggedAddresses: Record<string, string> | null;
  Meta: Record<string, string> | null;
  CreateIndex: number;
  ModifyIndex: number;
}

/** An instance as the agent it is registered with knows it. */
export interface AgentService {
  ID: string;
  Service: string;
  Tags: string[];
  Meta: Record<string, string>;
  /** Left out where there is none, or 0. */
  Port?: number;
  Address: string;
  SocketPath?: string;
  TaggedAddresses?: Record<string, ServiceAddress>;
  Weights: Weights;
  EnableTagOverride: boolean;
  Kind?: string;
  Datacenter?: string;
  ContentHash?: string;
}

/** An instance as the catalog knows it, together with its node. */
export interface CatalogService {
  ID: string;
  Node: string;
  Address: string;
  Datacenter: string;
  TaggedAddresses: Record<string, string> | null;
  NodeMeta: Record<string, string> | null;
  ServiceKind: string;
  ServiceID: string;
  ServiceName: string;
  ServiceTags: string[];
  ServiceAddress: string;
  ServiceTaggedAddresses?: Record<string, ServiceAddress>;
  ServiceWeights: Weights;
  ServiceMeta: Record<string, string>;
  ServicePort: number;
  ServiceEnableTagOverride: boolean;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface CatalogNode {
  Node: NodeEntry;
  /** By service ID. */
  Services: Record<string, AgentService>;
}

export interface HealthCheck {
  Node: string;
  CheckID: string;
  Name: string;
  Status: CheckState;
  Notes: string;
  Output: string;
  /** "" for a check of the node itself. */
  ServiceID: string;
  ServiceName: string;
  ServiceTags?: string[];
  Type: string;
  Interval?: GoDuration;
  Timeout?: GoDuration;
  Definition?: Record<string, unknown>;
  CreateIndex?: number;
  ModifyIndex?: number;
}

/** One instance with everything that bears on its health. */
export interface ServiceEntry {
  Node: NodeEntry;
  Service: AgentService;
  Checks: HealthCheck[];
}

/** What a check does; give exactly one of `HTTP`, `TCP`, `TTL`, … */
export interface CheckDefinition {
  CheckID?: string;
  Name?: string;
  Notes?: string;
  /** Status until the first run; critical unless given. */
  Status?: CheckState;
  HTTP?: string;
  Method?: string;
  Header?: Record<string, string[]>;
  Body?: string;
  TLSServerName?: string;
  TLSSkipVerify?: boolean;
  TCP?: string;
  UDP?: string;
  GRPC?: string;
  GRPCUseTLS?: boolean;
  Args?: string[];
  DockerContainerID?: string;
  Shell?: string;
  AliasNode?: string;
  AliasService?: string;
  TTL?: GoDuration;
  Interval?: GoDuration;
  Timeout?: GoDuration;
  SuccessBeforePassing?: number;
  FailuresBeforeCritical?: number;
  DeregisterCriticalServiceAfter?: GoDuration;
}

export interface ServiceRegistration {
  Name: string;
  /** Unique on the agent; the name unless given. */
  ID?: string;
  Tags?: string[];
  Port?: number;
  /** The node's address unless given. */
  Address?: string;
  SocketPath?: string;
  /** "" unless it is part of a service mesh. */
  Kind?: string;
  TaggedAddresses?: Record<string, ServiceAddress>;
  Meta?: Record<string, string>;
  Weights?: Weights;
  EnableTagOverride?: boolean;
  Check?: CheckDefinition;
  Checks?: CheckDefinition[];
}

export interface CheckRegistration extends CheckDefinition {
  Name: string;
  /** Unique on the agent; the name unless given. */
  ID?: string;
  /** Makes it a check of that service instead of the node. */
  ServiceID?: string;
}

export interface AgentSelf {
  Config: {
    Datacenter: string;
    NodeName: string;
    NodeID: string;
    Server: boolean;
    Version: string;
    Revision: string;
    PrimaryDatacenter: string;
  };
  Member: Member;
  Meta: Record<string, string>;
  Stats: Record<string, Record<string, string>>;
  DebugConfig: Record<string, unknown>;
}

export interface Member {
  Name: string;
  Addr: string;
  Port: number;
  Tags: Record<string, string>;
  /** 1 alive, 2 leaving, 3 left, 4 failed. */
  Status: number;
  ProtocolMin: number;
  ProtocolMax: number;
  ProtocolCur: number;
  DelegateMin: number;
  DelegateMax: number;
  DelegateCur: number;
}

export interface CatalogRegistration {
  Node: string;
  Address: string;
  ID?: string;
  Datacenter?: string;
  TaggedAddresses?: Record<string, string>;
  NodeMeta?: Record<string, string>;
  SkipNodeUpdate?: boolean;
  Service?: Omit<ServiceRegistration, 'Name' | 'Check' | 'Checks'> & { Service: string };
  Check?: Partial<HealthCheck>;
  Checks?: Partial<HealthCheck>[];
}

export interface CatalogDeregistration {
  Node: string;
  Datacenter?: string;
  ServiceID?: string;
  CheckID?: string;
}

export interface KvPair {
  Key: string;
  Value: Uint8Array;
  /** Unsigned 64 bit; a bigint where a number would not hold it exactly. */
  Flags: number | bigint;
  /** How often the lock was taken. */
  LockIndex: number;
  /** Session that holds the lock. */
  Session?: string;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface SessionRequest {
  Name?: string;
  Node?: string;
  NodeChecks?: string[];
  ServiceChecks?: { ID: string; Namespace?: string }[];
  Behavior?: 'release' | 'delete';
  TTL?: GoDuration;
  LockDelay?: GoDuration;
}

export interface SessionEntry {
  ID: string;
  Name: string;
  Node: string;
  NodeChecks: string[] | null;
  ServiceChecks: { ID: string; Namespace: string }[] | null;
  Behavior: 'release' | 'delete';
  TTL: GoDuration;
  /** Nanoseconds. */
  LockDelay: number;
  CreateIndex: number;
  ModifyIndex: number;
}
