import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Line {
  /** The answer to the request that came last. */
  last: ServerResponse;
  /** Requests that wait for their turn. */
  waiting: number;
}

/**
 * Requests of one connection one after the other: Node tells of all that a client sent together at once, and a short one would be done
 * before the one in front of it. Safe methods apart, that is not allowed (RFC 9112, 9.3.2). While one waits nothing more is read.
 */
export function inOrder(listener: RequestListener): RequestListener {
  const lines = new WeakMap<Socket, Line>();
  const begin: RequestListener = (request, response) => {
    // Nobody is there any more, or nothing goes out behind the answer that ends the connection.
    if (!request.socket.writableEnded && !request.socket.destroyed) listener(request, response);
  };
  return (request, response) => {
    const { socket } = request;
    const line = lines.get(socket) ?? { last: response, waiting: 0 };
    const before = line.last;
    line.last = response;
    lines.set(socket, line);
    if (before === response || before.writableFinished) {
      begin(request, response);
      return;
    }
    line.waiting++;
    // Node reads on behind every request that it has told of: only then does it hold.
    process.nextTick(() => {
      if (line.waiting > 0) socket.pause();
    });
    before.once('close', () => {
      line.waiting--;
      if (line.waiting === 0) socket.resume();
      begin(request, response);
    });
  };
}
