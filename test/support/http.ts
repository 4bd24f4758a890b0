import http from 'node:http';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  /** Milliseconds from the call until the whole answer was there. */
  ms: number;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Default: a connection of its own, closed afterwards, as curl does it. */
  agent?: http.Agent;
  /** Milliseconds; 30,000. */
  timeout?: number;
}

/** One request to its end. Rejects when there is no complete answer. */
export function ask(url: string, { method = 'GET', headers = {}, body, agent, timeout = 30_000 }: Ask = {}) {
  const begin = performance.now();
  return new Promise<Answer>((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: agent ?? false, timeout }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(parts).toString(),
          ms: performance.now() - begin,
        }),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} within ${timeout} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

/** PUT of a JSON body; throws unless the answer is 200. */
export async function put(url: string, body?: unknown, agent?: http.Agent): Promise<Answer> {
  const answer = await ask(url, {
    method: 'PUT',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(agent === undefined ? {} : { agent }),
  });
  if (answer.status !== 200) throw new Error(`PUT ${url}: ${answer.status} ${answer.text}`);
  return answer;
}

/** GET of a JSON answer; throws unless it is 200. */
export async function getJson<T>(url: string): Promise<T> {
  const answer = await ask(url);
  if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as T;
}

/** Position of the data of a Consul answer. */
export function indexOf({ headers }: Answer): number {
  return Number(headers['x-consul-index']);
}
