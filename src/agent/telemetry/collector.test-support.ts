/** A collector for tests: a real server that keeps what it is sent, and does with it what it is told to. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Collector {
  readonly url: string;
  readonly received: readonly Received[];
  /** What it does with each request; it takes them unless told otherwise. */
  respond: (response: ServerResponse, request: Received) => void;
  /** Resolves at so many requests in all. */
  has(count: number): Promise<void>;
  /** Cuts all connections and takes no more. */
  close(): void;
}

export async function startCollector(): Promise<Collector> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer(async (request, response) => {
    const bytes = await wholeOf(request);
    // It gave up in the middle.
    if (bytes === undefined) return;
    const isPacked = request.headers['content-encoding'] === 'gzip';
    const body = (isPacked ? gunzipSync(bytes) : bytes).toString();
    const one = { path: request.url ?? '', headers: request.headers, body };
    received.push(one);
    collector.respond(response, one);
    for (const { count, resolve } of waiting) if (received.length >= count) resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    respond: (response) => response.setHeader('Content-Type', 'application/json').end('{}'),
    has(count) {
      if (received.length >= count) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  onTestFinished(() => collector.close());
  return collector;
}

async function wholeOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces);
}
