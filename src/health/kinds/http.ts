import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { critical, type Outcome, type ProbeContext, type ProbeKind } from '../kind.ts';
import { Tail } from '../output.ts';
import type { CheckSpec } from '../spec.ts';
import { answersWithoutTls, dialError } from './dial-error.ts';

/** Consul's default for probes that were given no timeout. */
const DEFAULT_TIMEOUT = 10_000;
/** As Go's client. */
const MAX_REDIRECTS = 10;
/** A body that goes on for ever is let go after so many bytes; the status is known by then. */
const MAX_BODY = 16 * 1024 * 1024;
/** Not sent on to another host. */
const SECRET_HEADERS = new Set(['authorization', 'www-authenticate', 'cookie', 'cookie2']);

/** 2xx passes, 429 warns, everything else is critical. A new connection for every probe, none is kept. */
export const http: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.http !== '' && spec.interval > 0,
  probe,
};

interface Hop {
  url: URL;
  method: string;
  body: string;
  headers: Record<string, readonly string[]>;
}

async function probe(spec: CheckSpec, { signal, outputMaxSize }: ProbeContext): Promise<Outcome> {
  const method = spec.method === '' ? 'GET' : spec.method;
  const failed = (why: string) => critical(`${goMethod(method)} ${JSON.stringify(spec.http)}: ${why}`);
  let request: ClientRequest | undefined;
  const stop = () => request?.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, spec.timeout || DEFAULT_TIMEOUT);
  try {
    let hop: Hop = { url: urlOf(spec.http), method, body: spec.body, headers: headersOf(spec) };
    for (let redirects = 0; ; redirects++) {
      request = requestFor(hop, spec);
      const response = await answerTo(request, hop.body);
      const next = spec.disableRedirects ? undefined : nextHop(hop, response);
      if (next === undefined) return await outcomeOf(method, spec.http, response, outputMaxSize);
      response.destroy();
      if (redirects === MAX_REDIRECTS - 1) return failed(`stopped after ${MAX_REDIRECTS} redirects`);
      hop = next;
    }
  } catch (error) {
    if (late) return failed('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
    if ((error as NodeJS.ErrnoException).code === 'ERR_INVALID_URL')
      return critical(`parse ${JSON.stringify(spec.http)}: not a URL that can be asked`);
    return failed(
      answersWithoutTls(error) ? 'http: server gave HTTP response to HTTPS client' : dialError(error),
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** Go dials an IPv4 address in brackets, and fabio writes one into the check of itself: "http://[10.0.0.1]:9998/health". */
function urlOf(text: string): URL {
  return new URL(text.replace(/^(\w+:\/\/)\[(\d+(?:\.\d+){3})\]/, '$1$2'));
}

function headersOf(spec: CheckSpec): Record<string, readonly string[]> {
  const headers: Record<string, readonly string[]> = {};
  for (const [name, values] of Object.entries(spec.header)) {
    if (values.length > 0) headers[name.toLowerCase()] = values;
  }
  headers['user-agent'] ??= ['Consul Health Check'];
  headers.accept ??= ['text/plain, text/*, */*'];
  return headers;
}

/** Not sent yet. No signal is handed to it: what Node keeps for one outlives the request until all memory is looked at. */
function requestFor({ url, method, body, headers }: Hop, spec: CheckSpec): ClientRequest {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
  // `agent: false` is a connection of its own that is closed afterwards.
  const options = { method, agent: false as const };
  const request =
    url.protocol === 'https:'
      ? tlsRequest(url, {
          ...options,
          rejectUnauthorized: !spec.tlsSkipVerify,
          ...(spec.tlsServerName === '' ? {} : { servername: spec.tlsServerName }),
        })
      : plainRequest(url, options);
  for (const [name, values] of Object.entries(headers)) {
    // A list would make several Host lines.
    request.setHeader(name, name === 'host' ? (values[0] as string) : [...values]);
  }
  if (body !== '') request.setHeader('Content-Length', Buffer.byteLength(body));
  return request;
}

function answerTo(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
}

/** The request that follows a redirect, as browsers and Go's client make it; undefined when there is none. */
function nextHop(hop: Hop, response: IncomingMessage): Hop | undefined {
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const url = new URL(location, hop.url);
  const elsewhere = url.host !== hop.url.host;
  const headers = Object.fromEntries(
    Object.entries(hop.headers).filter(
      ([name]) => !(elsewhere && (SECRET_HEADERS.has(name) || name === 'host')),
    ),
  );
  if (status === 307 || status === 308) return { ...hop, url, headers };
  return { url, headers, body: '', method: hop.method === 'HEAD' ? 'HEAD' : 'GET' };
}

/** Reads the body, of which the end is kept. A body that breaks off does not change what the status says. */
function outcomeOf(
  method: string,
  target: string,
  response: IncomingMessage,
  outputMaxSize: number,
): Promise<Outcome> {
  const body = new Tail(outputMaxSize);
  return new Promise((resolve) => {
    const end = () => {
      const code = response.statusCode ?? 0;
      const line = `${code} ${response.statusMessage ?? ''}`.trimEnd();
      const output = `HTTP ${method} ${target}: ${line} Output: ${body}`;
      const status = code >= 200 && code <= 299 ? 'passing' : code === 429 ? 'warning' : 'critical';
      resolve({ status, output });
    };
    response.on('data', (chunk: Buffer) => {
      body.write(chunk);
      if (body.total > MAX_BODY) response.destroy();
    });
    response.on('error', end);
    response.on('close', end);
  });
}

/** "GET" as Go's errors spell it: "Get". */
function goMethod(method: string): string {
  return method.slice(0, 1).toUpperCase() + method.slice(1).toLowerCase();
}
