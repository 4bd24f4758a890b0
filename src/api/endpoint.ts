import type { IncomingHttpHeaders } from 'node:http';
import type { Authorizer, Wanted } from '../acl/authorizer.ts';
import type { Resource } from '../acl/rules.ts';
import type { Needs } from './access.ts';
import type { ApiContext } from './context.ts';
import type { Description } from './decode.ts';
import type { Query } from './query.ts';
import type { Reply } from './reply.ts';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Names of the parameters of a path: "/v1/query/:id/execute" has "id". */
export type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamsOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** One request, as a handler sees it. */
export interface ApiRequest<Params extends string = string> {
  readonly method: Method;
  /** Percent-decoded, without the query. */
  readonly path: string;
  /** Percent-decoded; a parameter at the end of a path takes all that is left of it and may be "". */
  readonly params: Readonly<Record<Params, string>>;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** The ACL token that came with the request (`?token`, X-Consul-Token, Authorization: Bearer), or "". Never log it. */
  readonly token: string;
  /**
   * What the token may do at this moment: to be taken anew after waiting. Throws 403 for a token that nobody knows (any
   * more).
   */
  readonly authorizer: Authorizer;
  /** Throws 403 unless the token grants this; `name` is that of the key, service, node, … */
  authorize(resource: Resource, wanted: Wanted, name?: string): void;
  /** Address of the client, without its port. */
  readonly remoteAddress: string;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  /** Runs `task` once in the same cases; the answer takes it back. Lighter than `signal`, for what many wait with. */
  whenGone(task: () => void): () => void;
  /**
   * The whole body. Throws 413 above `limit` bytes (`MAX_BODY` unless told otherwise); `tooLarge` words it.
   */
  body(options?: { limit?: number; tooLarge?: (size: number) => string }): Promise<Buffer>;
}

export type Handler<Params extends string = string> = (
  context: ApiContext,
  request: ApiRequest<Params>,
) => Reply | Promise<Reply>;

/** Bytes of a request body where an endpoint says nothing else. */
export const MAX_BODY = 2 * 1024 * 1024;

/**
 * One row of the table of endpoints: what is routed, answered and documented.
 *
 * A path is literal but for `:name` segments. In the middle such a segment takes one segment; at the end it takes
 * the rest of the path, slashes included, and may be empty (that is how Consul's paths are matched, so the
 * handler says what is missing).
 */
export interface Endpoint {
  readonly method: Method;
  readonly path: string;
  /** One line for the reference. */
  readonly summary: string;
  /** What the token has to grant. Every row says it; one that does not is only for tokens that may do everything. */
  readonly needs?: Needs;
  /** Query parameters by name with their meaning. */
  readonly query?: Readonly<Record<string, string>>;
  /** What the body must look like, or a sentence for a body that is not JSON. */
  readonly body?: Description<unknown> | string;
  /** It answers from what this agent has itself: also before the agent has reached a server for the first time. */
  readonly isLocal?: boolean;
  /** False where Consul's refusal of another method does not name OPTIONS among those it allows. */
  readonly namesOptions?: boolean;
  readonly handler: Handler;
}

/** Types the handler's parameters by the path. */
export function endpoint<const Path extends string>(
  row: Omit<Endpoint, 'handler' | 'path'> & { path: Path; handler: Handler<ParamsOf<Path>> },
): Endpoint {
  return row as Endpoint;
}
