import { httpGet } from '../lib/http-get.ts';
import { BackendPattern } from './backend.ts';
import type { Discovery, InstanceListener } from './instance.ts';
import { backendsOfLines } from './lines.ts';
import { type PollOptions, poll } from './poll.ts';

export interface PlaintextDiscoveryOptions extends PollOptions {
  /** URL. */
  readonly endpoint: string;
  /** Go's regular expression with the groups of `BACKEND_PATTERN`, which is the default. */
  readonly pattern?: string | undefined;
}

/** A list over HTTP, one instance a line. Throws `RegexpSyntaxError`. */
export function followPlaintext(options: PlaintextDiscoveryOptions, listener: InstanceListener): Discovery {
  const { endpoint, log } = options;
  const pattern = new BackendPattern(options.pattern);
  const list = async (signal: AbortSignal) => {
    const { body } = await httpGet(endpoint, { signal });
    return { backends: backendsOfLines(body, pattern, 'plaintext', log) };
  };
  return poll({ kind: 'plaintext', timeout: 5_000, list }, options, listener);
}
