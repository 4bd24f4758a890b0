import type { Catalog } from '../catalog/catalog.ts';
import type { AclGrants, AclPolicy, AclToken } from '../catalog/rows.ts';
import { secretDigest } from '../catalog/tables.ts';
import { topic } from '../catalog/topics.ts';
import type { Transaction } from '../catalog/transaction.ts';
import type { Clock } from '../lib/clock.ts';
import { type AgentTokens, NO_AGENT_TOKENS, AgentTokens as Tokens } from './agent-tokens.ts';
import { type Authorizer, compile } from './authorizer.ts';
import { ANONYMOUS_TOKEN, nodeIdentityRules, serviceIdentityRules } from './builtin.ts';
import { beginAcl } from './commands/bootstrap.ts';
import { parseLegacyRules, parseRules, type Rule } from './rules.ts';

export interface AclOptions {
  catalog: Catalog;
  clock: Pick<Clock, 'now'>;
  datacenter: string;
  /** Name of this node: the recovery token is good for its agent. */
  node: string;
  defaultPolicy: 'allow' | 'deny';
  /** Listing keys takes the right to list them, not only to read each. */
  enableKeyListPolicy?: boolean;
  tokens?: AgentTokens;
  /** Whether there is a catalog to look tokens up in; always, unless told otherwise. Until then the recovery token alone is known. */
  isReadable?: () => boolean;
  /** Puts in place what has to be there: when access control begins, and after a restore. */
  begin?: (tx: Transaction) => void;
  /** The index in the file that allows another bootstrap, 0 for none; the file is gone then. */
  takeBootstrapReset?: () => number;
}

/** What a token may do, until when. */
interface Known {
  readonly authorizer: Authorizer;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Access control: from the token that came with a request to what it may do. Compiled rights are kept until the
 * catalog changes a token, a policy or a role; they are dropped in the tick of that commit, before anybody is told of
 * it, so that none is ever older than the catalog.
 */
export class Acl {
  readonly defaultPolicy: 'allow' | 'deny';
  readonly enableKeyListPolicy: boolean;
  readonly tokens: AgentTokens;
  readonly takeBootstrapReset: () => number;
  readonly begin: (tx: Transaction) => void;
  readonly #isReadable: () => boolean;
  readonly #catalog: Catalog;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #datacenter: string;
  readonly #node: string;
  /** By digest of the secret. Only tokens that exist are kept: their number bounds it. */
  readonly #known = new Map<string, Known>();
  /** Digests of the secrets that this process asks with itself, so that DNS need not compute one for each question. */
  readonly #digests = new Map<string, string>();
  /** By row: rows never change. */
  readonly #rules = new WeakMap<AclPolicy, readonly Rule[]>();
  readonly #unsubscribe: () => void;

  constructor(options: AclOptions) {
    this.#catalog = options.catalog;
    this.#clock = options.clock;
    this.#datacenter = options.datacenter;
    this.#node = options.node;
    this.defaultPolicy = options.defaultPolicy;
    this.enableKeyListPolicy = options.enableKeyListPolicy ?? false;
    this.tokens = options.tokens ?? new Tokens(NO_AGENT_TOKENS);
    this.takeBootstrapReset = options.takeBootstrapReset ?? (() => 0);
    this.#isReadable = options.isReadable ?? (() => true);
    this.begin = options.begin ?? ((tx) => beginAcl(tx, undefined));
    this.#unsubscribe = options.catalog.feed.subscribe(({ topics }) => {
      if ([topic.aclTokens, topic.aclPolicies, topic.aclRoles].some((name) => topics.has(name)))
        this.#known.clear();
    });
  }

  /**
   * What may be done with a secret; undefined when nobody knows it. Without one the agent's default token counts,
   * and without that the anonymous one.
   */
  authorizer(secret: string): Authorizer | undefined {
    const digest = secret === '' ? this.#ownDigest() : secretDigest(secret);
    const known = this.#known.get(digest);
    if (known !== undefined && known.expiresAt > this.#clock.now()) return known.authorizer;
    this.#known.delete(digest);
    const found = this.#resolve(digest);
    if (found !== undefined) this.#known.set(digest, found);
    return found?.authorizer;
  }

  /** The token with this secret, unless it has expired. */
  token(secret: string): AclToken | undefined {
    const digest = secret === '' ? this.#ownDigest() : secretDigest(secret);
    return this.#token(digest);
  }

  /** True for a token nobody knows any more. */
  isExpired({ expiresAt }: AclToken): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.now();
  }

  stop(): void {
    this.#unsubscribe();
    this.#known.clear();
  }

  #ownDigest(): string {
    const secret = this.tokens.get('default') || ANONYMOUS_TOKEN.secretId;
    let digest = this.#digests.get(secret);
    if (digest === undefined) {
      digest = secretDigest(secret);
      this.#digests.clear();
      this.#digests.set(secret, digest);
    }
    return digest;
  }

  #token(digest: string): AclToken | undefined {
    // Of half a catalog a token may have rights that a policy takes from it.
    const token = this.#isReadable() ? this.#catalog.list('aclTokens', 'secret', digest)[0] : undefined;
    return token === undefined || this.isExpired(token) ? undefined : token;
  }

  #resolve(digest: string): Known | undefined {
    const recovery = this.tokens.get('agentRecovery');
    if (recovery !== '' && digest === secretDigest(recovery))
      // Looked up each time: it is replaced without a commit, and the old one is good for nothing then.
      return { authorizer: compile(this.#recoveryRules(), this.defaultPolicy), expiresAt: -Infinity };
    const token = this.#token(digest);
    if (token === undefined) return undefined;
    return {
      authorizer: compile(this.#rulesOf(token), this.defaultPolicy),
      expiresAt: token.expiresAt ?? Number.POSITIVE_INFINITY,
    };
  }

  /** For when no other token works: everything about this agent, and the names of nodes. */
  #recoveryRules(): Rule[] {
    return [
      { resource: 'agent', segment: this.#node, isPrefix: false, access: 'write' },
      { resource: 'node', segment: '', isPrefix: true, access: 'read' },
    ];
  }

  #rulesOf(token: AclToken): Rule[] {
    const roles = token.roles.flatMap((id) => this.#catalog.get('aclRoles', id) ?? []);
    const own = token.legacy === undefined ? [] : parseLegacyRules(token.legacy.rules);
    return [...own, ...[token, ...roles].flatMap((grants) => this.#granted(grants))];
  }

  #granted({ policies, serviceIdentities, nodeIdentities }: AclGrants): Rule[] {
    const isHere = (datacenters: readonly string[]) =>
      datacenters.length === 0 || datacenters.includes(this.#datacenter);
    return [
      ...policies
        .flatMap((id) => this.#catalog.get('aclPolicies', id) ?? [])
        .filter(({ datacenters }) => isHere(datacenters))
        .flatMap((policy) => this.#parsed(policy)),
      ...serviceIdentities.filter(({ datacenters }) => isHere(datacenters)).flatMap(serviceIdentityRules),
      ...nodeIdentities.filter(({ datacenter }) => isHere([datacenter])).flatMap(nodeIdentityRules),
    ];
  }

  #parsed(policy: AclPolicy): readonly Rule[] {
    let rules = this.#rules.get(policy);
    if (rules === undefined) {
      rules = parseRules(policy.rules);
      this.#rules.set(policy, rules);
    }
    return rules;
  }
}
