import type { Authorizer } from '../acl/authorizer.ts';
import type { ChangeBatch } from '../catalog/feed.ts';
import { keyLabels, type Query } from '../lib/dns/query.ts';
import type { AnswerSource } from './answer-source.ts';
import { answerOf } from './catalog-answers.ts';
import { type Plan, type Prepared, prepare } from './prepared.ts';
import type { DnsRecord } from './record.ts';
import { nothingPlan } from './zone-plan.ts';

/**
 * Bytes of answers that are kept at most; one for a service of a few instances has about 1 kB. When they are
 * too many they are all dropped and built again as they are asked for.
 */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
/** Of an answer without records: its key, its place in the maps, the arrays themselves. */
const BYTES_OF_NONE = 1024;

/**
 * Prepared answers by question. A change of the catalog drops those that it touches before anybody can ask
 * again; the next question builds them anew, once.
 */
export class Answers {
  readonly #source: AnswerSource;
  readonly #kept = new Map<string, Prepared>();
  /** Topics by key. */
  readonly #topics = new Map<string, ReadonlySet<string>>();
  /** Keys of the answers that depend on a topic. */
  readonly #dependents = new Map<string, Set<string>>();
  #bytes = 0;
  /** For whom the answers were made. */
  #authorizer: Authorizer | undefined;
  readonly #unsubscribe: () => void;

  /** Plans that are the same for every name: refusals are laid out once. */
  readonly #common = new WeakMap<Plan, Prepared>();

  constructor(source: Omit<AnswerSource, 'nothing'>) {
    this.#source = { ...source, nothing: nothingPlan(source.zone, source.options) };
    this.#unsubscribe = source.catalog.feed.subscribe((batch) => this.#follow(batch));
  }

  /** Hot path: one look-up for a question that was asked before. */
  find(query: Query): Prepared {
    // What the agent's token may see: another authorizer, another view.
    const authorizer = this.#source.access.authorizer('');
    if (authorizer !== this.#authorizer) {
      this.#clear();
      this.#authorizer = authorizer;
    }
    return this.#kept.get(query.key) ?? this.#build(query);
  }

  /** The answer when it is known what names elsewhere stand for. Not kept: what others say changes without notice. */
  withNames({ key, type, asker }: Query, found: ReadonlyMap<string, readonly DnsRecord[]>): Prepared {
    return prepare(answerOf(this.#source, keyLabels(key), type, asker, found).plan);
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  stop(): void {
    this.#unsubscribe();
    this.#clear();
  }

  #build({ key, type, asker }: Query): Prepared {
    const { plan, topics } = answerOf(this.#source, keyLabels(key), type, asker);
    const prepared = this.#common.get(plan) ?? prepare(plan);
    if (topics === undefined) {
      this.#common.set(plan, prepared);
      return prepared;
    }
    const bytes = bytesOf(prepared);
    if (this.#bytes + bytes > MAX_KEPT_BYTES) this.#clear();
    this.#bytes += bytes;
    this.#kept.set(key, prepared);
    this.#topics.set(key, topics);
    for (const name of topics) {
      const keys = this.#dependents.get(name);
      if (keys === undefined) this.#dependents.set(name, new Set([key]));
      else keys.add(key);
    }
    return prepared;
  }

  #follow(batch: ChangeBatch): void {
    this.#source.reverse.follow(batch);
    if (this.#dependents.size === 0) return;
    for (const name of batch.topics) {
      const keys = this.#dependents.get(name);
      if (keys === undefined) continue;
      for (const key of keys) this.#drop(key);
      this.#dependents.delete(name);
    }
  }

  #drop(key: string): void {
    const prepared = this.#kept.get(key);
    if (prepared === undefined) return;
    this.#bytes -= bytesOf(prepared);
    this.#kept.delete(key);
    for (const name of this.#topics.get(key) ?? []) this.#dependents.get(name)?.delete(key);
    this.#topics.delete(key);
  }

  #clear(): void {
    this.#bytes = 0;
    this.#kept.clear();
    this.#topics.clear();
    this.#dependents.clear();
  }
}

function bytesOf({ bytes, extraBytes, count }: Prepared): number {
  return BYTES_OF_NONE + bytes.byteLength + extraBytes.byteLength + count * 24;
}
