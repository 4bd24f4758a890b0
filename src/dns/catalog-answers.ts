import { type Authorizer, DENY_ALL } from '../acl/authorizer.ts';
import { mayReadNode, visibleInstances } from '../acl/visible.ts';
import { executeQuery } from '../catalog/prepared-query/execute.ts';
import { NEAR_IP, nearestFirst } from '../catalog/prepared-query/near.ts';
import { resolveQuery } from '../catalog/prepared-query/resolve.ts';
import type { Node, PreparedQuery } from '../catalog/rows.ts';
import { nodeKey } from '../catalog/tables.ts';
import { topic } from '../catalog/topics.ts';
import { type Instance, instancesOf } from '../catalog/views.ts';
import { isMusterError } from '../errors.ts';
import { encodeName, labelsOf } from '../lib/dns/name.ts';
import { RCODE, TYPE } from '../lib/dns/numbers.ts';
import { parseDuration } from '../lib/duration.ts';
import { addressBytes } from '../lib/ip.ts';
import type { AnswerSource } from './answer-source.ts';
import { anyAddress, hasTag, isUsable, nodeAddress, serviceAddress, weightOf } from './instance.ts';
import { serviceTtlOf } from './options.ts';
import type { AnswerPart, Plan } from './prepared.ts';
import {
  ASKED,
  addressRecord,
  type DnsRecord,
  metaText,
  type Owner,
  seconds,
  srvRecord,
  txtRecord,
} from './record.ts';
import { type Subject, subjectOf } from './subject.ts';
import { FORWARD, reversePlan, zonePlan } from './zone-plan.ts';

/** Names that stand for names that stand for names: three steps are answered, as in Consul. */
const MAX_ALIASES = 3;
/** Names elsewhere that are asked for to answer one question; instances beyond that go without an address. */
const MAX_NAMES_ELSEWHERE = 16;
/** Under this name the servers themselves are registered. */
const SERVERS = 'consul';

export interface Answered {
  plan: Plan;
  /** Topics that change the answer. Undefined when it is not worth keeping. */
  topics: ReadonlySet<string> | undefined;
}

const OUTSIDE: Plan = { rcode: RCODE.REFUSED, authoritative: false };
const FAILED: Plan = { rcode: RCODE.SERVFAIL };

/**
 * What the catalog says about a name, by Consul's rules, to the address `asker`. Labels in lower case. `found`: what names
 * elsewhere stand for; without it the plan lists those that are wanted.
 */
export function answerOf(
  source: AnswerSource,
  labels: readonly string[],
  type: number,
  asker: string,
  found?: ReadonlyMap<string, readonly DnsRecord[]>,
): Answered {
  return new Answering(source, labels, type, asker, found).answer();
}

/** One question on its way: gathers on which topics its answer depends. */
class Answering {
  readonly #source: AnswerSource;
  readonly #labels: readonly string[];
  readonly #type: number;
  readonly #asker: string;
  readonly #topics = new Set<string>();
  readonly #authorizer: Authorizer;
  readonly #found: ReadonlyMap<string, readonly DnsRecord[]> | undefined;
  /** Names elsewhere whose records are missing in the plan. */
  readonly #wanted = new Set<string>();

  constructor(
    source: AnswerSource,
    labels: readonly string[],
    type: number,
    asker: string,
    found?: ReadonlyMap<string, readonly DnsRecord[]>,
  ) {
    this.#source = source;
    this.#labels = labels;
    this.#type = type;
    this.#asker = asker;
    this.#authorizer = source.access.authorizer('') ?? DENY_ALL;
    this.#found = found;
  }

  answer(): Answered {
    const answered = this.#answer();
    if (this.#wanted.size === 0) return answered;
    return { ...answered, plan: { ...answered.plan, elsewhere: [...this.#wanted] } };
  }

  #answer(): Answered {
    const subject = subjectOf(this.#labels, this.#type, this.#source.zone);
    const passing = (plan: Plan): Answered => ({ plan, topics: undefined });
    if (subject.kind === 'outside') return passing(this.#source.recursion ? FORWARD : OUTSIDE);
    if (this.#type === TYPE.AXFR) return passing({ rcode: RCODE.NOTIMP });
    if (subject.kind === 'reverse')
      return passing(reversePlan(this.#source, this.#authorizer, subject.address));
    if (this.#type === TYPE.SOA || this.#type === TYPE.NS)
      return { plan: zonePlan(this.#source, this.#type, this.#servers()), topics: this.#topics };
    switch (subject.kind) {
      case 'service':
        return this.#serviceAnswer(subject);
      case 'node':
        return this.#nodeAnswer(subject.node);
      case 'query':
        return this.#queryAnswer(subject.query);
      case 'address': {
        // Whatever the type, as in Consul: the name says which kind of address it is.
        const { address } = subject;
        const record = address && addressRecord(ASKED, seconds(this.#source.options.nodeTtl), address);
        return passing({ parts: record === undefined ? [] : [{ record }] });
      }
      case 'nothing':
        return passing(this.#source.nothing);
    }
  }

  // --- services

  #serviceAnswer({ service, tag }: Subject & { kind: 'service' }): Answered {
    const { options } = this.#source;
    const known = this.#instances(service);
    const usable = known.filter((instance) => isUsable(instance, options) && hasTag(instance, tag));
    // Names that nobody registered are not kept: there is no end of them.
    if (usable.length === 0)
      return { plan: this.#source.nothing, topics: known.length === 0 ? undefined : this.#topics };
    return {
      plan: this.#instancesPlan(usable, seconds(serviceTtlOf(options, service))),
      topics: this.#topics,
    };
  }

  #instancesPlan(instances: readonly Instance[], ttl: number): Plan {
    const plan = this.#type === TYPE.SRV ? this.#srvPlan(instances, ttl) : this.#addressPlan(instances, ttl);
    if (plan.parts?.length !== 0) return plan;
    const { zone, options } = this.#source;
    return { authority: [zone.soa(options)] };
  }

  #instances(service: string): Instance[] {
    this.#topics.add(topic.service(service));
    return visibleInstances(this.#authorizer, instancesOf(this.#source.catalog, service));
  }

  #addressPlan(instances: readonly Instance[], ttl: number): Plan {
    const parts: AnswerPart[] = [];
    let alias: DnsRecord[] = [];
    const seen = new Set<string>();
    for (const instance of instances) {
      const { text } = this.#addressOf(instance);
      if (text === '' || seen.has(text)) continue;
      seen.add(text);
      const address = addressBytes(text);
      if (address === undefined) {
        if (alias.length === 0) alias = this.#aliasRecords(ASKED, text, ttl, MAX_ALIASES);
      } else if (isAsked(this.#type, address)) parts.push({ record: addressRecord(ASKED, ttl, address) });
    }
    // A name may stand for another or have addresses, never both (RFC 1034, 3.6.2).
    if (parts.length === 0 && alias.length > 0) return { parts: alias.map((record) => ({ record })) };
    return { parts, choice: 'instances', addresses: true };
  }

  #srvPlan(instances: readonly Instance[], ttl: number): Plan {
    const parts: AnswerPart[] = [];
    const seen = new Set<string>();
    for (const instance of instances) {
      const { node, service } = instance;
      const same = `${node.name}\n${serviceAddress(service, this.#type)}\n${service.port}`;
      if (seen.has(same)) continue;
      seen.add(same);
      const found = this.#target(instance, ttl);
      if (found === undefined) continue;
      const { target, extras } = found;
      const record = srvRecord(ASKED, ttl, { weight: weightOf(instance), port: service.port, target });
      const meta =
        node.meta !== null && this.#source.options.enableAdditionalNodeMetaTxt
          ? metaRecords(this.#source.zone.nodeName(node.name), ttl, node)
          : [];
      parts.push({ record, target, extras: [...extras, ...meta] });
    }
    return { parts, choice: 'instances' };
  }

  /** Where an SRV record leads: the name of the node, of the instance's own address, or that address itself. */
  #target(instance: Instance, ttl: number): { target: Uint8Array; extras: DnsRecord[] } | undefined {
    const { text, isNodes } = this.#addressOf(instance);
    const address = addressBytes(text);
    if (address === undefined) {
      const target = encodeName(text);
      if (target === undefined || target.length === 1) return undefined;
      return { target, extras: this.#resolve(text, ttl, MAX_ALIASES) };
    }
    const target = this.#targetName(instance, address, isNodes);
    return target && { target, extras: [addressRecord(target, ttl, address)] };
  }

  #targetName({ node, service }: Instance, address: Uint8Array, isNodes: boolean): Uint8Array | undefined {
    const { zone, options } = this.#source;
    if (options.srvTargets === 'instance') return zone.instanceName(node.name, service.id, address);
    return isNodes ? zone.nodeName(node.name) : zone.addressName(address);
  }

  /** An instance whose address is the very name that is asked for has the address of its node. `isNodes`: the one its name stands for. */
  #addressOf({ node, service }: Instance): { text: string; isNodes: boolean } {
    const own = serviceAddress(service, this.#type);
    if (own !== '' && labelsOf(own.toLowerCase()).join('.') !== this.#labels.join('.'))
      return { text: own, isNodes: false };
    const text = nodeAddress(node, this.#type);
    return { text, isNodes: text === node.address };
  }

  #servers(): Node[] {
    return this.#instances(SERVERS)
      .filter((instance) => isUsable(instance, this.#source.options))
      .map(({ node }) => node);
  }

  // --- prepared queries

  #queryAnswer(name: string): Answered {
    const { options, nothing } = this.#source;
    const query = this.#query(name);
    if (query === 'failed') return { plan: FAILED, topics: undefined };
    if (query === undefined) return { plan: nothing, topics: undefined };
    const { service, dns, template } = query;
    const instances = this.#queried(query);
    // A template answers to names without end.
    if (instances.length === 0)
      return { plan: nothing, topics: template.type === '' && query.token === '' ? this.#topics : undefined };
    const ttl = dns.ttl === '' ? serviceTtlOf(options, service.service) : (parseDuration(dns.ttl) ?? 0);
    const plan = this.#instancesPlan(instances, seconds(ttl));
    const choice = plan.choice === 'instances' && service.near !== '' ? { choice: 'nearest' as const } : {};
    return {
      plan: { ...plan, ...choice, scoped: true },
      // What hangs on who asks, or on a token that may expire, is worked out each time.
      topics: service.near === NEAR_IP || query.token !== '' ? undefined : this.#topics,
    };
  }

  /** "failed" where there is one that cannot be run under this name. */
  #query(name: string): PreparedQuery | 'failed' | undefined {
    try {
      return resolveQuery(this.#source.catalog, name);
    } catch (error) {
      if (isMusterError(error, 'request.rejected')) return 'failed';
      throw error;
    }
  }

  #queried(query: PreparedQuery): Instance[] {
    const { catalog, node } = this.#source;
    const { service, near } = query.service;
    this.#topics.add(topic.queries).add(topic.service(service));
    if (near !== '') this.#topics.add(topic.coordinates);
    // A query may bring the token that it is run with.
    const authorizer =
      query.token === '' ? this.#authorizer : (this.#source.access.authorizer(query.token) ?? DENY_ALL);
    const found = visibleInstances(authorizer, executeQuery(catalog, query));
    return nearestFirst(catalog, { near, own: node.name, asker: this.#asker }, found);
  }

  // --- nodes

  #nodeAnswer(name: string): Answered {
    const { options } = this.#source;
    const node = this.#node(name);
    if (node === undefined) return { plan: this.#source.nothing, topics: undefined };
    const type = this.#type;
    const ttl = seconds(options.nodeTtl);
    const records: DnsRecord[] = [];
    const address = addressBytes(nodeAddress(node, type));
    if (address !== undefined && isAsked(type, address)) records.push(addressRecord(ASKED, ttl, address));
    const mayBeAlias = type === TYPE.A || type === TYPE.AAAA || type === TYPE.ANY || type === TYPE.CNAME;
    if (address === undefined && mayBeAlias)
      records.push(...this.#aliasRecords(ASKED, node.address, ttl, MAX_ALIASES));
    const meta = metaRecords(ASKED, ttl, node);
    if (type === TYPE.TXT || type === TYPE.ANY) records.push(...meta);
    const additional = options.enableAdditionalNodeMetaTxt && mayBeAlias && type !== TYPE.ANY ? meta : [];
    return { plan: { parts: records.map((record) => ({ record })), additional }, topics: this.#topics };
  }

  #node(name: string): Node | undefined {
    this.#topics.add(topic.node(name));
    const node = this.#source.catalog.get('nodes', nodeKey(name));
    return node === undefined || mayReadNode(this.#authorizer, node.name) ? node : undefined;
  }

  // --- names that stand for other names

  /** A CNAME and, where its target is ours to know, what that stands for. */
  #aliasRecords(owner: Owner, target: string, ttl: number, left: number): DnsRecord[] {
    const rdata = encodeName(target);
    if (rdata === undefined || rdata.length === 1) return [];
    return [{ owner, type: TYPE.CNAME, ttl, rdata }, ...this.#resolve(target, ttl, left)];
  }

  /** Addresses behind a name, under that name. */
  #resolve(text: string, ttl: number, left: number): DnsRecord[] {
    const owner = encodeName(text);
    if (left < 1 || owner === undefined) return [];
    const subject = subjectOf(labelsOf(text.toLowerCase()), TYPE.ANY, this.#source.zone);
    const records = (addresses: readonly string[]): DnsRecord[] => {
      const found = [...new Set(addresses)].map((address) => ({ address, bytes: addressBytes(address) }));
      const direct = found.flatMap(({ bytes }) => (bytes ? [addressRecord(owner, ttl, bytes)] : []));
      const alias = found.find(({ address, bytes }) => address !== '' && bytes === undefined);
      if (direct.length > 0 || alias === undefined) return direct;
      return this.#aliasRecords(owner, alias.address, ttl, left - 1);
    };
    switch (subject.kind) {
      case 'node': {
        const node = this.#node(subject.node);
        return node === undefined ? [] : records([nodeAddress(node, TYPE.ANY)]);
      }
      case 'service': {
        const usable = this.#instances(subject.service).filter(
          (instance) => isUsable(instance, this.#source.options) && hasTag(instance, subject.tag),
        );
        return records(usable.map(anyAddress));
      }
      case 'query': {
        this.#topics.add(topic.queries);
        const query = this.#query(subject.query);
        if (query === undefined || query === 'failed') return [];
        return records(this.#queried(query).map(anyAddress));
      }
      case 'address':
        return subject.address === undefined ? [] : [addressRecord(owner, ttl, subject.address)];
      case 'outside':
        return this.#resolveElsewhere(text, ttl);
      default:
        return [];
    }
  }

  /** What others said about a name, for no longer than they or we allow; nothing before they were asked. */
  #resolveElsewhere(text: string, ttl: number): DnsRecord[] {
    const name = labelsOf(text.toLowerCase()).join('.');
    const found = this.#found?.get(name);
    if (found === undefined && this.#source.recursion && this.#wanted.size < MAX_NAMES_ELSEWHERE)
      this.#wanted.add(name);
    return (found ?? []).map((record) => ({ ...record, ttl: Math.min(record.ttl, ttl) }));
  }
}

function isAsked(type: number, address: Uint8Array): boolean {
  return type === TYPE.ANY || type === (address.length === 4 ? TYPE.A : TYPE.AAAA);
}

function metaRecords(owner: Owner | undefined, ttl: number, { meta }: Node): DnsRecord[] {
  if (owner === undefined || meta === null) return [];
  return Object.entries(meta).map(([key, value]) => txtRecord(owner, ttl, metaText(key, value)));
}
