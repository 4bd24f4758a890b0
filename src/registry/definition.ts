import type { CheckStatus, Mesh, ServiceAddress, StringMap, Weights } from '../catalog/rows.ts';
import type { CheckSpec } from '../health/spec.ts';

/** A check inside a service definition. "" stands for "not given". */
export interface ServiceCheckDefinition {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  /** First status; critical unless given. */
  readonly status: CheckStatus | '';
  readonly spec: CheckSpec;
}

/** A check that is registered on its own: of a service that is there, or of the node (`serviceId` ""). */
export interface CheckDefinition extends ServiceCheckDefinition {
  readonly serviceId: string;
}

/** What somebody wants to be registered on this node, validated. */
export interface ServiceDefinition {
  /** The name unless given. */
  readonly id: string;
  readonly name: string;
  /** "" for an ordinary service; others belong to a mesh and are only kept. */
  readonly kind: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly socketPath: string;
  readonly taggedAddresses: Readonly<Record<string, ServiceAddress>>;
  readonly meta: StringMap;
  readonly weights: Weights;
  readonly enableTagOverride: boolean;
  readonly mesh?: Mesh;
  readonly checks: readonly ServiceCheckDefinition[];
}

/** Definitions from the configuration: there from the start, not kept on disk, replaced by a reload. */
export interface StaticDefinitions {
  readonly services: readonly ServiceDefinition[];
  readonly checks: readonly CheckDefinition[];
}

/** Which side a definition came from. A reload replaces what is of the configuration only. */
export type Source = 'api' | 'config';
