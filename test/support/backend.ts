import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Backend {
  readonly id: string;
  readonly port: number;
  /** Requests seen so far, health checks left out. */
  readonly seen: () => number;
  /** Those of them for `/slow`. */
  readonly slow: () => number;
  /** Ends as a killed process does: every connection is cut. */
  crash(): Promise<void>;
}

/**
 * An instance of a service: answers every request with its id, `/health` with 200, and `/slow?ms=N` after N
 * milliseconds. Ends with the current test.
 */
export async function startBackend(id: string): Promise<Backend> {
  let seen = 0;
  let slow = 0;
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://backend');
    if (url.pathname !== '/health') seen++;
    response.setHeader('x-id', id);
    const wait = url.pathname.endsWith('/slow') ? Number(url.searchParams.get('ms')) : 0;
    if (wait > 0) {
      slow++;
      setTimeout(() => response.end(id), wait);
    } else response.end(id);
  });
  // Longer than any proxy keeps an idle connection: none is closed just when a request comes on it.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const crash = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(crash);
  return { id, port: (server.address() as AddressInfo).port, seen: () => seen, slow: () => slow, crash };
}

/** A registration of it, with a tag that routes `path` and a check that runs every second; it has time for as long as it is not dead. */
export function registrationOf({ id, port }: Backend, name: string, path: string) {
  return {
    ID: id,
    Name: name,
    Address: '127.0.0.1',
    Port: port,
    Tags: [`urlprefix-${path}`],
    Check: { HTTP: `http://127.0.0.1:${port}/health`, Interval: '1s', Timeout: '20s', Status: 'passing' },
  };
}
