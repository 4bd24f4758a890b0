import { type CallOptions, type Connection, callOf, type ReadOptions, segment } from './connection.ts';
import type { GoDuration } from './types.ts';

/** A policy or a role, by its ID or by its name. */
export interface AclLink {
  ID?: string;
  Name?: string;
}

export interface AclServiceIdentity {
  ServiceName: string;
  Datacenters?: string[];
}

export interface AclNodeIdentity {
  NodeName: string;
  Datacenter: string;
}

/** What tokens and roles give to who has them. */
export interface AclGrants {
  Policies?: AclLink[];
  ServiceIdentities?: AclServiceIdentity[];
  NodeIdentities?: AclNodeIdentity[];
}

/** What the agent adds to whatever it keeps. */
interface Kept {
  /** Of the contents, in base64. */
  Hash: string;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface AclTokenRequest extends AclGrants {
  AccessorID?: string;
  SecretID?: string;
  Description?: string;
  Roles?: AclLink[];
  Local?: boolean;
  ExpirationTTL?: GoDuration;
}

export interface AclToken extends AclTokenRequest, Kept {
  AccessorID: string;
  /** "<hidden>" for who may only read ACLs. */
  SecretID: string;
  Description: string;
  Local: boolean;
  CreateTime: string;
  ExpirationTime?: string;
  /** Made by the endpoints of before Consul 1.4. */
  Legacy?: boolean;
  /** Of such a token, in the language of then. */
  Rules?: string;
}

export interface AclPolicyRequest {
  ID?: string;
  Name: string;
  Description?: string;
  Rules?: string;
  Datacenters?: string[];
}

export interface AclPolicy extends AclPolicyRequest, Kept {
  ID: string;
  Description: string;
}

export interface AclRoleRequest extends AclGrants {
  ID?: string;
  Name: string;
  Description?: string;
}

export interface AclRole extends AclRoleRequest, Kept {
  ID: string;
  Description: string;
}

/** Tokens, policies and roles. */
export class AclCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Makes the first token that may do everything; once only. */
  bootstrap(options: CallOptions = {}): Promise<AclToken> {
    return this.#connection.put('/v1/acl/bootstrap', options);
  }

  tokens(options: ReadOptions = {}): Promise<AclToken[]> {
    return this.#read('/v1/acl/tokens', options);
  }

  token(accessorId: string, options: ReadOptions = {}): Promise<AclToken> {
    return this.#read(`/v1/acl/token/${segment(accessorId)}`, options);
  }

  /** The token that the call is made with. */
  ownToken(options: ReadOptions = {}): Promise<AclToken> {
    return this.#read('/v1/acl/token/self', options);
  }

  createToken(token: AclTokenRequest, options: CallOptions = {}): Promise<AclToken> {
    return this.#connection.put('/v1/acl/token', options, token);
  }

  updateToken(token: AclTokenRequest & { AccessorID: string }, options: CallOptions = {}): Promise<AclToken> {
    return this.#connection.put(`/v1/acl/token/${segment(token.AccessorID)}`, options, token);
  }

  cloneToken(accessorId: string, description = '', options: CallOptions = {}): Promise<AclToken> {
    const path = `/v1/acl/token/${segment(accessorId)}/clone`;
    return this.#connection.put(path, options, { Description: description });
  }

  deleteToken(accessorId: string, options: CallOptions = {}): Promise<void> {
    return this.#delete(`/v1/acl/token/${segment(accessorId)}`, options);
  }

  /** Without their rules. */
  policies(options: ReadOptions = {}): Promise<AclPolicy[]> {
    return this.#read('/v1/acl/policies', options);
  }

  policy(id: string, options: ReadOptions = {}): Promise<AclPolicy> {
    return this.#read(`/v1/acl/policy/${segment(id)}`, options);
  }

  createPolicy(policy: AclPolicyRequest, options: CallOptions = {}): Promise<AclPolicy> {
    return this.#connection.put('/v1/acl/policy', options, policy);
  }

  updatePolicy(policy: AclPolicyRequest & { ID: string }, options: CallOptions = {}): Promise<AclPolicy> {
    return this.#connection.put(`/v1/acl/policy/${segment(policy.ID)}`, options, policy);
  }

  deletePolicy(id: string, options: CallOptions = {}): Promise<void> {
    return this.#delete(`/v1/acl/policy/${segment(id)}`, options);
  }

  roles(options: ReadOptions = {}): Promise<AclRole[]> {
    return this.#read('/v1/acl/roles', options);
  }

  role(id: string, options: ReadOptions = {}): Promise<AclRole> {
    return this.#read(`/v1/acl/role/${segment(id)}`, options);
  }

  createRole(role: AclRoleRequest, options: CallOptions = {}): Promise<AclRole> {
    return this.#connection.put('/v1/acl/role', options, role);
  }

  updateRole(role: AclRoleRequest & { ID: string }, options: CallOptions = {}): Promise<AclRole> {
    return this.#connection.put(`/v1/acl/role/${segment(role.ID)}`, options, role);
  }

  deleteRole(id: string, options: CallOptions = {}): Promise<void> {
    return this.#delete(`/v1/acl/role/${segment(id)}`, options);
  }

  async #read<T>(path: string, options: ReadOptions): Promise<T> {
    return (await this.#connection.read<T>(path, options)).value;
  }

  async #delete(path: string, options: CallOptions): Promise<void> {
    await this.#connection.send({ ...callOf(options), method: 'DELETE', path });
  }
}
