import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** Writes a response itself: a stream, say. */
export type Take = (response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** One request and its answer, however it came: what the API knows of HTTP. */
export interface Exchange {
  readonly method: string;
  url: string;
  /** As they came, names and values by turns. */
  readonly rawHeaders: readonly string[];
  /** By lower-case name. */
  readonly headers: IncomingHttpHeaders;
  /** Of the client, without its port. */
  readonly remoteAddress: string;
  /** Of the answer, once there is one. */
  readonly status: number;
  /** Nobody is there any more to take an answer. */
  readonly isGone: boolean;
  /** Throws 413 above `limit` bytes, worded by `tooLarge`. */
  body(limit: number, tooLarge: (size: number) => string): Promise<Buffer>;
  /** Runs `task` once the client is gone, or was answered; the answer takes it back. */
  whenOver(task: () => void): () => void;
  /** The connection ends behind the answer. */
  closeBehind(): void;
  /** `fields`: names and values by turns. A string is one of bytes ("latin1"). */
  answer(status: number, fields: string[], body: Buffer | string | undefined): void;
  /** Has the response written by `take`, which finds `fields` set on it. */
  take(fields: readonly string[], take: Take): void | Promise<void>;
  /** There is no answer that could be given. */
  abort(): void;
}
