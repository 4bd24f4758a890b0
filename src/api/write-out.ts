import type { ServerResponse } from 'node:http';

/** Node writes a head and a string with one call, a head and bytes with another one that costs half as much again. */
export const SHORT_BODY = 8 * 1024;

/**
 * Writes a whole answer: `head` has names and values by turns, a string is one of bytes ("latin1"). What `end` is given goes out
 * as two pieces, the second one empty, for which Node takes a slower call and allocates; so the body goes first, at once.
 */
export function writeOut(
  response: ServerResponse,
  status: number,
  head: string[],
  body: Buffer | string | undefined,
): void {
  response.writeHead(status, head);
  if (body !== undefined && body.length > 0) {
    const isReady = typeof body === 'string' || body.length > SHORT_BODY;
    response.write(isReady ? body : body.toString('latin1'), 'latin1');
    response.socket?.uncork();
  }
  response.end();
}
