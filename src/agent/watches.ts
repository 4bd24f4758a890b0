import { isDeepStrictEqual } from 'node:util';
import { Client } from '../client/index.ts';
import { nodeFetch } from '../client/node-fetch.ts';
import { changedViews, watchSubject } from '../client/subject.ts';
import type { Fetch } from '../client/transport.ts';
import { fetchTrouble, messageOf } from '../errors.ts';
import { type Clock, sleep } from '../lib/clock.ts';
import { startCommand } from '../lib/command.ts';
import type { Logger } from '../lib/log.ts';
import type { Config } from './config/schema.ts';

type WatchConfig = Config['watch'][number];

export interface WatchesParts {
  /** Of the agent's own HTTP API. */
  readonly address: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface Watches {
  /** Those that are as they were go on, without telling anew what they told. */
  reload(configs: readonly WatchConfig[]): void;
  /** Ends what runs, with all that it started. */
  stop(): Promise<void>;
}

interface Following {
  readonly config: WatchConfig;
  stop(): Promise<void>;
}

/** Between attempts of one whom the agent refuses what it asks for (ms); each is a line in the log. */
const AFTER_REFUSAL = 10_000;
/** Output of a command that is kept for the log (characters). */
const KEPT_OUTPUT = 4_000;

/** Has commands and web hooks told of changes, each of one after the other; of views that come meanwhile the newest. */
export function startWatches(configs: readonly WatchConfig[], parts: WatchesParts): Watches {
  let following: Following[] = [];
  const reload = (wanted: readonly WatchConfig[]): void => {
    const before = [...following];
    following = wanted.map((config) => {
      const at = before.findIndex((one) => isDeepStrictEqual(one.config, config));
      return at === -1 ? follow(config, parts) : (before.splice(at, 1)[0] as Following);
    });
    for (const gone of before) void gone.stop();
  };
  reload(configs);
  return {
    reload,
    async stop() {
      await Promise.all(following.map((one) => one.stop()));
    },
  };
}

function follow(config: WatchConfig, { address, env, clock, random, log }: WatchesParts): Following {
  const client = new Client({
    address,
    // Its own certificate names the host that others use.
    verifyTls: false,
    ...(config.token === '' ? {} : { token: config.token }),
  });
  const ending = new AbortController();
  const { signal } = ending;
  const what = describe(config);
  const tell = config.http === undefined ? byCommand(config, env) : byHook(config.http);
  const warn = (problem: string) => {
    if (!signal.aborted) log.warn(`${what}: ${problem}`);
  };
  const tellAll = async (): Promise<void> => {
    const onTrouble = (error: unknown) => warn(messageOf(error));
    const watch = watchSubject(client, config, { signal, clock, random, onTrouble });
    for await (const view of changedViews(watch, config.type)) {
      const problem = await tell({ view: `${view}\n`, index: watch.index ?? 0, signal });
      if (problem !== undefined) warn(problem);
    }
  };
  const ended = (async () => {
    while (!signal.aborted) {
      try {
        await tellAll();
      } catch (error) {
        // Such as a token that nobody has made yet.
        warn(`${messageOf(error)} It is tried again in ${AFTER_REFUSAL / 1000} s.`);
        await sleep(clock, AFTER_REFUSAL, signal);
      }
    }
  })();
  return {
    config,
    stop() {
      ending.abort();
      return ended;
    },
  };
}

interface News {
  readonly view: string;
  readonly index: number;
  readonly signal: AbortSignal;
}

/** Resolves with what went wrong, if anything did. */
type Tell = (news: News) => Promise<string | undefined>;

function byCommand({ command }: WatchConfig, env: WatchesParts['env']): Tell {
  const words = typeof command === 'string' ? [command] : (command ?? []);
  return async ({ view, index, signal }) => {
    let output = '';
    const running = startCommand(words, {
      shell: typeof command === 'string',
      env: { ...env, CONSUL_INDEX: `${index}` },
      input: view,
      onOutput(text) {
        if (output.length < KEPT_OUTPUT) output += text.slice(0, KEPT_OUTPUT - output.length);
      },
    });
    const stop = () => void running.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const code = await running.ended;
      return code === 0
        ? undefined
        : `the command ended with ${code}: ${output.trim() || 'it wrote nothing'}`;
    } catch (error) {
      return messageOf(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
}

function byHook({ url, method, headers, timeout, skipVerify }: NonNullable<WatchConfig['http']>): Tell {
  const fetch: Fetch = skipVerify ? nodeFetch({ rejectUnauthorized: false }) : globalThis.fetch;
  const fields = Object.entries(headers).map(([name, values]) => [name, values.join(', ')]);
  return async ({ view, index, signal }) => {
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          'Content-Type': 'application/json',
          'X-Consul-Index': `${index}`,
          ...Object.fromEntries(fields),
        },
        body: view,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      });
      const text = Buffer.from(await answer.arrayBuffer()).toString();
      return answer.ok
        ? undefined
        : `${url} answered ${answer.status}: ${text.slice(0, 200).trim() || 'nothing'}`;
    } catch (error) {
      return `${url}: ${fetchTrouble(error)}`;
    }
  };
}

/** For messages: "the watch of service web". */
function describe({ type, key, prefix, service, name }: WatchConfig): string {
  return ['the watch of', type, key ?? prefix ?? service ?? name]
    .filter((word) => word !== undefined)
    .join(' ');
}
