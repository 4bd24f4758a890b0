/**
 * Open-loop HTTP load: each request has its due time from the rate alone and is sent then, however the earlier ones
 * fare; its latency counts from the due time. So a server that stalls is charged for every request that would have come
 * meanwhile (no coordinated omission).
 */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

export interface HttpLoad {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  /** How many requests, spread evenly. */
  requests: number;
  /** Requests a second. */
  rate: number;
  /** From the due time until the whole answer is there, in ms; then the request has failed. */
  timeout: number;
  /** Use a connection for more than one request. */
  keepAlive: boolean;
  /** Most connections at a time; further requests wait, and the wait counts. */
  connections: number;
  /** How host names become addresses; the system's way unless given. Of several the next is tried when one refuses. */
  lookup?: LookupFunction | undefined;
  /** Ends the run early: nothing more is sent, what is in flight is given up and not counted. */
  signal?: AbortSignal;
  /** Told about each request when it is over. */
  done?: (outcome: Outcome) => void;
}

export interface Outcome {
  /** Of the answer; 0 when there was none. */
  status: number;
  /** From the due time, in ms. */
  latency: number;
  /** Why it failed, in a few words; undefined when it did not. */
  failure?: string;
  bytes: number;
}

export interface HttpLoadResult {
  /** Of requests that were answered whole with a status below 400, in ms. */
  latencies: number[];
  failed: number;
  /** How often each status came. */
  statuses: Record<string, number>;
  /** How often each failure happened. */
  failures: Record<string, number>;
  bytes: number;
  /** From the first due time until the last answer, in ms. */
  took: number;
  /** The most by which a request was sent after its due time, in ms: the generator's own share. */
  latest: number;
}

export async function runHttpLoad(load: HttpLoad): Promise<HttpLoadResult> {
  const { url, requests, rate, signal } = load;
  const { Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({
    keepAlive: load.keepAlive,
    maxSockets: load.connections,
    maxFreeSockets: load.connections,
    ...(load.lookup === undefined ? {} : { lookup: load.lookup, autoSelectFamily: true }),
  });
  const result: HttpLoadResult = {
    latencies: [],
    failed: 0,
    statuses: {},
    failures: {},
    bytes: 0,
    took: 0,
    latest: 0,
  };
  const flying = new Set<() => void>();
  const started = performance.now();
  const dueOf = (index: number): number => started + (index * 1000) / rate;

  const count = (outcome: Outcome): void => {
    if (outcome.failure === undefined) {
      result.latencies.push(outcome.latency);
    } else {
      result.failed++;
      result.failures[outcome.failure] = (result.failures[outcome.failure] ?? 0) + 1;
    }
    if (outcome.status > 0) result.statuses[outcome.status] = (result.statuses[outcome.status] ?? 0) + 1;
    result.bytes += outcome.bytes;
    load.done?.(outcome);
  };

  await new Promise<void>((resolve) => {
    let sent = 0;
    let over = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const abort = (): void => {
      sent = requests;
      for (const giveUp of flying) giveUp();
      finish();
    };
    const tick = (): void => {
      const now = performance.now();
      while (sent < requests && dueOf(sent) <= now) {
        const due = dueOf(sent++);
        result.latest = Math.max(result.latest, now - due);
        const giveUp = send(load, agent, due, (outcome) => {
          flying.delete(giveUp);
          if (signal?.aborted) return;
          count(outcome);
          if (++over === requests) finish();
        });
        flying.add(giveUp);
      }
      if (sent < requests) timer = setTimeout(tick, Math.max(0, dueOf(sent) - performance.now()));
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (requests === 0 || signal?.aborted) finish();
    else tick();
  });
  result.took = performance.now() - started;
  agent.destroy();
  return result;
}

/** Sockets that have carried a request. (`request.reusedSocket` stays false for a request that had to wait for one.) */
const used = new WeakSet<object>();

/** Sends one request; calls `over` exactly once. The answer gives it up. */
function send(load: HttpLoad, agent: http.Agent, due: number, over: (outcome: Outcome) => void): () => void {
  const client = load.url.protocol === 'https:' ? https : http;
  let status = 0;
  let bytes = 0;
  let ended = false;
  let request: http.ClientRequest;
  const end = (failure?: string): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    const latency = performance.now() - due;
    over({ status, latency, bytes, ...(failure === undefined ? {} : { failure }) });
    if (failure !== undefined) request.destroy();
  };
  const timer = setTimeout(() => end('timeout'), Math.max(0, load.timeout - (performance.now() - due)));
  const attempt = (isRetry: boolean): void => {
    request = client.request(load.url, {
      agent: isRetry ? false : agent,
      method: load.method,
      headers: load.headers,
      ...(load.lookup === undefined ? {} : { lookup: load.lookup, autoSelectFamily: true }),
    });
    let isReused = false;
    request.on('socket', (socket) => {
      isReused = used.has(socket);
      used.add(socket);
    });
    request.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => end(status < 400 ? undefined : `status ${status}`));
      response.on('error', () => end('answer cut off'));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the server closed just then: nobody has seen the request, so it is sent on a fresh
      // one, as every client does. The clock runs on.
      if (
        !ended &&
        !isRetry &&
        isReused &&
        status === 0 &&
        (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      )
        attempt(true);
      else end(error.code ?? error.message);
    });
    request.end();
  };
  attempt(false);
  return () => end('given up');
}
