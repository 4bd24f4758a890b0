/** Calls of the agent's HTTP API, and answers that keep themselves fresh. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { tokenHeaders } from './token.ts';

export type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  /** `message` is what the agent says, for a person. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

export interface CallOptions {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** One call; its answer as JSON. Rejects only with the reason of `signal`. */
export async function call<T>(
  path: string,
  { method = 'GET', body, signal }: CallOptions = {},
): Promise<Answer<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: tokenHeaders(),
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
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

/** How often an answer is asked for anew while the page is looked at, ms, unless a screen says otherwise. */
const EVERY = 1000;

/**
 * The answer to a GET, asked for anew every second (`every` ms) while the page is in front, and at once by `again`. The last value
 * stays when the agent is away; `trouble` says so. With path undefined nothing is asked.
 */
export function useAnswer<T>(
  path: string | undefined,
  every = EVERY,
): {
  value: T | undefined;
  trouble: string;
  again: () => void;
} {
  const [state, setState] = useState<{ path: string | undefined; value: T | undefined; trouble: string }>({
    path,
    value: undefined,
    trouble: '',
  });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      if (!document.hidden) {
        const answer = await call<T>(path, { signal: gone.signal });
        setState((before) => ({
          path,
          value: answer.kind === 'value' ? answer.value : before.path === path ? before.value : undefined,
          trouble: answer.kind === 'value' ? '' : answer.message,
        }));
      }
      timer = setTimeout(() => void look().catch(() => {}), every);
    };
    // What ends it is the screen that goes away.
    look().catch(() => {});
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, asked, every]);
  const again = useCallback(() => setAsked((count) => count + 1), []);
  return state.path === path
    ? { value: state.value, trouble: state.trouble, again }
    : { value: undefined, trouble: '', again };
}
