/** Dependencies followed by blocking queries to any registry that speaks Consul's HTTP API. */
import {
  type Answer,
  type Consistency,
  type Params,
  type ReadOptions,
  segment,
} from '../../client/connection.ts';
import { type Client, Watch } from '../../client/index.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import type { Dependency } from '../dependencies/dependency.ts';
import { followFile } from './files.ts';
import type { Follower, Source } from './source.ts';
import { dependencyValue } from './wire.ts';

export interface RegistryOptions {
  readonly client: Client;
  /** A server that has not heard from its leader for longer (ms) is not asked; 0: only the leader is. */
  readonly maxStale: number;
  readonly backoff: BackoffPolicy;
  /** Longest wait of one question ("60s"). */
  readonly wait: string;
  readonly clock: Clock;
  readonly random: () => number;
}

interface Question {
  readonly path: string;
  readonly params: Params;
  readonly near?: string;
  readonly datacenter: string;
  /** Answered without an index: asked at intervals. */
  readonly polled?: true;
  /** Datacenters that do not answer are left out. */
  readonly onlyWell?: boolean;
}

/** What a registry is asked for. */
type Asked = Exclude<Dependency, { kind: 'file' }>;

/** Between two questions to what cannot be watched (ms); Consul's clients do the same. */
const POLL = 15_000;

export class RegistrySource implements Source {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  follow(dependency: Dependency, follower: Follower): () => void {
    if (dependency.kind === 'file') return followFile(dependency.path, follower);
    const ending = new AbortController();
    void this.#run(dependency, follower, ending.signal);
    return () => ending.abort();
  }

  async #run(dependency: Asked, follower: Follower, signal: AbortSignal): Promise<void> {
    const { backoff, random, clock } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const question = await this.#question(dependency, signal);
        for await (const answer of this.#answers(question, follower, signal)) {
          failures = 0;
          const value = dependencyValue(dependency, answer);
          if (signal.aborted) return;
          if (value === undefined) follower.absent?.();
          else follower.value(value);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        // Even what waiting should not mend (a token without the right) may be mended by somebody.
        const delay = backoffDelay(backoff, failures++, random());
        follower.trouble(error, delay);
        await sleep(clock, delay, signal);
      }
    }
  }

  #answers(question: Question, follower: Follower, signal: AbortSignal): AsyncIterable<unknown> {
    if (question.polled === true) return this.#poll(question, signal);
    const { clock, backoff, random, wait } = this.#options;
    const options = {
      signal,
      wait,
      clock,
      backoff,
      random,
      ...(question.datacenter === '' ? {} : { datacenter: question.datacenter }),
      ...(question.near === undefined ? {} : { near: question.near }),
      onTrouble: (error: unknown, delay: number) => follower.trouble(error, delay),
    };
    return new Watch((read) => this.#read(question, read), options);
  }

  /** Asks any server first, and the leader when that one lags behind. */
  async #read({ path, params }: Question, read: ReadOptions): Promise<Answer<unknown>> {
    const { client, maxStale } = this.#options;
    const ask = (consistency: Consistency) =>
      client.read<unknown>(path, { ...read, consistency }, params, [404]);
    if (maxStale === 0) return ask('default');
    const answer = await ask('stale');
    return (answer.lastContact ?? 0) > maxStale ? ask('default') : answer;
  }

  async *#poll(question: Question, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    let last = '';
    while (!signal.aborted) {
      const { value: all } = await this.#read(question, { signal });
      const value = question.onlyWell === true ? await this.#well(all as string[], signal) : all;
      const now = JSON.stringify(value);
      if (now !== last) yield value;
      last = now;
      await sleep(this.#options.clock, POLL, signal);
    }
  }

  /** Those of the datacenters whose catalog can be asked. */
  async #well(datacenters: readonly string[], signal: AbortSignal): Promise<string[]> {
    const answers = await Promise.all(
      datacenters.map((datacenter) =>
        this.#options.client
          .read<unknown>('/v1/catalog/services', { signal, datacenter, consistency: 'consistent' })
          .then(
            () => [datacenter],
            () => [],
          ),
      ),
    );
    return answers.flat();
  }

  async #question(dependency: Asked, signal: AbortSignal): Promise<Question> {
    switch (dependency.kind) {
      case 'service': {
        const { name, tag, near, filters, datacenter } = dependency;
        const passing = filters.length === 1 && filters[0] === 'passing';
        const params: Params = { ...(tag === '' ? {} : { tag }), ...(passing ? { passing: true } : {}) };
        const path = `/v1/health/service/${segment(name)}`;
        return { path, params, datacenter, ...(near === '' ? {} : { near }) };
      }
      case 'services':
        return { path: '/v1/catalog/services', params: {}, datacenter: dependency.datacenter };
      case 'nodes': {
        const { near, datacenter } = dependency;
        return { path: '/v1/catalog/nodes', params: {}, datacenter, ...(near === '' ? {} : { near }) };
      }
      case 'node': {
        const name = dependency.name === '' ? await this.#ownNode(signal) : dependency.name;
        return { path: `/v1/catalog/node/${segment(name)}`, params: {}, datacenter: dependency.datacenter };
      }
      case 'datacenters':
        return {
          path: '/v1/catalog/datacenters',
          params: {},
          datacenter: '',
          polled: true,
          onlyWell: dependency.ignoreFailing,
        };
      case 'key':
        return { path: keyPath(dependency.key), params: {}, datacenter: dependency.datacenter };
      case 'pairs':
        return {
          path: keyPath(dependency.prefix),
          params: { recurse: true },
          datacenter: dependency.datacenter,
        };
    }
  }

  /** Name of the node of the agent that is asked. */
  async #ownNode(signal: AbortSignal): Promise<string> {
    const { value } = await this.#options.client.read<{ Config?: { NodeName?: string } }>('/v1/agent/self', {
      signal,
    });
    return value.Config?.NodeName ?? '';
  }
}

function keyPath(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}
