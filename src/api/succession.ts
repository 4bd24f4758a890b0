/** Requests while another process takes over: none is lost, and none is answered from a state that is not the newest. */
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HostPort } from '../lib/host-port.ts';
import type { Exchange } from './exchange.ts';

/** Where the server is that takes over; port 0 where it listens for others only. */
export type Heir = HostPort | { readonly socketPath: string };

interface Held {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class Succession {
  readonly #isExempt: (path: string) => boolean;
  /** Since when: requests are answered here, those that may change something wait, all are passed on. */
  #stage: 'answering' | 'holding' | 'passing on' = 'answering';
  #heir: Heir = { host: '', port: 0 };
  readonly #held: Held[] = [];
  /** Requests under way that may change something. */
  #changing = 0;
  #onQuiet: (() => void) | undefined;

  /** `isExempt`: nobody waits for requests with this path, which themselves wait for what happens here. */
  constructor(isExempt: (path: string) => boolean) {
    this.#isExempt = isExempt;
  }

  /** Whether nobody takes over yet. */
  get isFar(): boolean {
    return this.#stage === 'answering';
  }

  /** True: the request is taken care of; false: it is to be answered here. */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#stage === 'passing on') {
      passOn(this.#heir, request, response);
      return true;
    }
    if (this.#stage === 'answering' || !this.#mayChange(request)) return false;
    this.#held.push({ request, response });
    return true;
  }

  /** A request is answered here: what it may change is waited for before another process has its say. */
  begins(exchange: Exchange): void {
    if (!this.#mayChange(exchange)) return;
    this.#changing++;
    exchange.whenOver(() => {
      this.#changing--;
      if (this.#changing === 0) this.#onQuiet?.();
    });
  }

  #mayChange({ method = '', url = '' }: { method?: string | undefined; url?: string | undefined }): boolean {
    return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS' && !this.#isExempt(url);
  }

  /** Requests that may change something wait from now on; resolves when those under way are answered, at most after `patience` ms. */
  async hold(patience: number): Promise<void> {
    this.#stage = 'holding';
    if (this.#changing === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#onQuiet = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Passes on what waited and what comes to `heir`. */
  leave(heir: Heir): void {
    this.#stage = 'passing on';
    this.#heir = heir;
    for (const { request, response } of this.#held.splice(0)) passOn(heir, request, response);
  }
}

/** Has the other server answer, as the last thing on this connection. */
function passOn(heir: Heir, request: IncomingMessage, response: ServerResponse): void {
  if ('port' in heir && heir.port === 0) {
    // Only reached over TLS, which we are no client of: the same request on a new connection is answered.
    response.writeHead(503, { 'retry-after': '0', connection: 'close' }).end();
    return;
  }
  const { expect: _, ...headers } = request.headers;
  const options = {
    ...heir,
    method: request.method,
    path: request.url,
    headers,
    setHost: false,
    agent: false,
  };
  const onward = ask(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'close' });
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  // Its `close` follows, which ends the onward request.
  response.on('error', () => {});
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}
