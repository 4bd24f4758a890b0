/** Calls of the agent's HTTP API, and answers that keep themselves fresh. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Subject } from '../../src/api/muster/wire.ts';
import { Follower } from './follower.ts';
import { type LiveView, live } from './live.ts';
import { tokenHeaders } from './token.ts';

export type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  /** `message` is what the agent says, for a person. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

export interface CallOptions {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds after which the agent counts as not answering; left out: it is waited for. */
  readonly patience?: number;
}

/** For an answer that is followed. A machine that lost its power ends no connection: the answer would be waited for ever after. */
const PATIENCE = 20_000;

/** One call; its answer as JSON. Rejects only with the reason of `signal`. */
export async function call<T>(
  path: string,
  { method = 'GET', body, signal, patience }: CallOptions = {},
): Promise<Answer<T>> {
  const ends = [signal, patience === undefined ? undefined : AbortSignal.timeout(patience)];
  try {
    const response = await fetch(path, {
      method,
      headers: tokenHeaders(),
      signal: AbortSignal.any(ends.filter((end) => end !== undefined)),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok)
      return { kind: 'refused', status: response.status, message: text || response.statusText };
    return { kind: 'value', value: (text === '' ? undefined : JSON.parse(text)) as T };
  } catch (error) {
    signal?.throwIfAborted();
    const message = error instanceof SyntaxError ? 'The answer is no JSON.' : 'The agent does not answer.';
    return { kind: 'refused', status: 0, message };
  }
}

/** What is known of an answer that is followed. */
export interface Followed<T> {
  /** The last one: it stays when the agent is away. */
  readonly value: T | undefined;
  /** What is wrong, for a person; "" for nothing. That the whole agent is away the page itself says. */
  readonly trouble: string;
  /** The agent says that there is no such thing: 404. */
  readonly isMissing: boolean;
  /** Asks at once. */
  readonly again: () => void;
}

interface Got<T> {
  readonly path: string | undefined;
  readonly value: T | undefined;
  readonly refusal: Extract<Answer<T>, { kind: 'refused' }> | undefined;
}

/**
 * The answer to a GET. It is asked for again when the event stream has news of `subject`, never without a reason. With path
 * undefined nothing is asked.
 */
export function useAnswer<T>(path: string | undefined, subject?: Subject): Followed<T> {
  const [got, setGot] = useState<Got<T>>({ path, value: undefined, refusal: undefined });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    const follower = new Follower<T>(
      () => call<T>(path, { signal: gone.signal, patience: PATIENCE }),
      (answer) =>
        setGot((before) => {
          if (answer.kind === 'value') return { path, value: answer.value, refusal: undefined };
          const isKept = before.path === path && answer.status !== 404;
          return { path, value: isKept ? before.value : undefined, refusal: answer };
        }),
    );
    const versionOf = ({ versions }: LiveView) => (subject === undefined ? 0 : versions[subject]);
    let version = versionOf(live.view());
    const unlisten = live.listen((view) => {
      if (versionOf(view) === version) return;
      version = versionOf(view);
      follower.news();
    });
    return () => {
      unlisten();
      follower.stop();
      gone.abort();
    };
  }, [path, subject, asked]);
  const again = useCallback(() => setAsked((count) => count + 1), []);
  if (got.path !== path) return { value: undefined, trouble: '', isMissing: false, again };
  const { value, refusal } = got;
  const isAway = refusal?.status === 0 && live.view().link !== 'live';
  return {
    value,
    trouble: isAway ? '' : (refusal?.message ?? ''),
    isMissing: refusal?.status === 404,
    again,
  };
}
