/** RFC 8555: an account with a certificate authority, orders, challenges. */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { request } from 'node:https';
import { MusterError, messageOf } from '../../errors.ts';
import { type Clock, sleep } from '../../lib/clock.ts';

export type ChallengeType = 'http-01' | 'tls-alpn-01';

export interface Challenge {
  readonly type: ChallengeType;
  /** What is to be shown for. */
  readonly name: string;
  readonly token: string;
  /** What proves that the account has the name in its hands. */
  readonly keyAuthorization: string;
}

export interface AcmeOptions {
  /** URL of the authority's directory. */
  readonly directory: string;
  /** P-256, of the account. */
  readonly accountKey: KeyObject;
  /** Addresses for warnings; may be empty. */
  readonly contacts: readonly string[];
  readonly clock: Clock;
  /** PEM: who issued the authority's own certificate; undefined: one that everybody knows. */
  readonly ca?: string | undefined;
}

/** Shows what proves that a name is in our hands. */
export interface ChallengeBoard {
  /** Resolves when everybody who asks is answered. */
  show(challenge: Challenge): Promise<void>;
  hide(challenge: Challenge): void;
}

interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
}

interface Order {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: Problem;
}

interface Authorization {
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly identifier: { readonly value: string };
  readonly challenges: readonly {
    type: string;
    url: string;
    token: string;
    status: string;
    error?: Problem;
  }[];
}

interface Problem {
  readonly type?: string;
  readonly detail?: string;
  readonly subproblems?: readonly {
    readonly detail?: string;
    readonly identifier?: { readonly value?: string };
  }[];
}

interface Reply {
  readonly status: number;
  readonly location: string | undefined;
  /** Milliseconds, as the authority asks. */
  readonly retryAfter: number | undefined;
  readonly text: string;
}

const TIMEOUT = 30_000;
/** A chain has some kB. */
const LARGEST = 1 << 20;
/** Between two looks at something that takes its time, unless the authority says another. */
const PAUSE = 2_000;
const MOST_LOOKS = 60;
const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce';

const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64url');

export class AcmeClient {
  readonly #options: AcmeOptions;
  readonly #jwk: { readonly crv: string; readonly kty: string; readonly x: string; readonly y: string };
  #directory: Directory | undefined;
  #account: string | undefined;
  #nonce: string | undefined;

  constructor(options: AcmeOptions) {
    this.#options = options;
    const {
      crv = '',
      kty = '',
      x = '',
      y = '',
    } = createPublicKey(options.accountKey).export({ format: 'jwk' });
    // In the order of RFC 7638, for the thumbprint.
    this.#jwk = { crv, kty, x, y };
  }

  /**
   * A certificate chain (PEM) for `names`; of the challenges the first of `types` that is offered is answered. Throws `tls.acme`.
   */
  async order(
    names: readonly string[],
    request: Uint8Array,
    types: readonly ChallengeType[],
    board: ChallengeBoard,
    signal: AbortSignal,
  ): Promise<string> {
    const { newOrder } = await this.#begin(signal);
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    const made = await this.#post(newOrder, { identifiers }, signal);
    const place = made.location;
    if (place === undefined) throw trouble('the authority gave an order no address');
    let order: Order = JSON.parse(made.text);
    for (const authorization of order.authorizations) await this.#prove(authorization, types, board, signal);
    order = await this.#when<Order>(place, ({ status }) => status !== 'pending', signal);
    if (order.status === 'ready') await this.#post(order.finalize, { csr: base64(request) }, signal);
    order = await this.#when<Order>(
      place,
      ({ status }) => status === 'valid' || status === 'invalid',
      signal,
    );
    if (order.status !== 'valid' || order.certificate === undefined)
      throw trouble(`the order was refused${reasonOf(order.error)}`);
    return (await this.#post(order.certificate, undefined, signal)).text;
  }

  async #prove(
    url: string,
    types: readonly ChallengeType[],
    board: ChallengeBoard,
    signal: AbortSignal,
  ): Promise<void> {
    const authorization: Authorization = JSON.parse((await this.#post(url, undefined, signal)).text);
    if (authorization.status === 'valid') return;
    const name = authorization.identifier.value;
    const offered = authorization.challenges;
    const type = types.find((wanted) => offered.some((one) => one.type === wanted));
    const chosen = offered.find((one) => one.type === type);
    if (type === undefined || chosen === undefined)
      throw trouble(`${name}: the authority offers none of ${types.join(', ')}`);
    const thumbprint = createHash('sha256').update(JSON.stringify(this.#jwk)).digest('base64url');
    const challenge = { type, name, token: chosen.token, keyAuthorization: `${chosen.token}.${thumbprint}` };
    await board.show(challenge);
    try {
      await this.#post(chosen.url, {}, signal);
      const judged = await this.#when<Authorization>(url, ({ status }) => status !== 'pending', signal);
      if (judged.status === 'valid') return;
      const failed = judged.challenges.find(({ error }) => error !== undefined);
      throw trouble(
        `${name}: the authority did not find the answer to its ${type} challenge${reasonOf(failed?.error)}`,
      );
    } finally {
      board.hide(challenge);
    }
  }

  /** Looks at something until it holds. */
  async #when<T>(url: string, holds: (there: T) => boolean, signal: AbortSignal): Promise<T> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const { text, retryAfter } = await this.#post(url, undefined, signal);
      const there: T = JSON.parse(text);
      if (holds(there)) return there;
      await sleep(this.#options.clock, retryAfter ?? PAUSE, signal);
      signal.throwIfAborted();
    }
    throw trouble('the authority does not come to an end');
  }

  /** The directory, with an account. */
  async #begin(signal: AbortSignal): Promise<Directory> {
    this.#directory ??= JSON.parse(
      (await this.#send(this.#options.directory, { method: 'GET' }, signal)).text,
    ) as Directory;
    if (this.#account === undefined) {
      const contact = this.#options.contacts.map((address) => `mailto:${address}`);
      // The account that there is already is found by its key.
      const { location } = await this.#post(
        this.#directory.newAccount,
        { termsOfServiceAgreed: true, ...(contact.length === 0 ? {} : { contact }) },
        signal,
      );
      if (location === undefined) throw trouble('the authority gave the account no address');
      this.#account = location;
    }
    return this.#directory;
  }

  /** A signed request; without a payload it reads ("POST-as-GET"). */
  async #post(url: string, payload: unknown, signal: AbortSignal, attempt = 0): Promise<Reply> {
    const nonce = this.#nonce ?? (await this.#freshNonce(signal));
    this.#nonce = undefined;
    const who = this.#account === undefined ? { jwk: this.#jwk } : { kid: this.#account };
    const head = base64(JSON.stringify({ alg: 'ES256', nonce, url, ...who }));
    const body = payload === undefined ? '' : base64(JSON.stringify(payload));
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), {
      key: this.#options.accountKey,
      dsaEncoding: 'ieee-p1363',
    });
    const reply = await this.#send(
      url,
      {
        method: 'POST',
        body: JSON.stringify({ protected: head, payload: body, signature: base64(signature) }),
      },
      signal,
    );
    if (reply.status < 400) return reply;
    const problem = problemOf(reply.text);
    if (problem.type === BAD_NONCE && attempt < 5) return this.#post(url, payload, signal, attempt + 1);
    throw trouble(`the authority answered ${reply.status}${reasonOf(problem)}`);
  }

  async #freshNonce(signal: AbortSignal): Promise<string> {
    const url = this.#directory?.newNonce ?? '';
    await this.#send(url, { method: 'HEAD' }, signal);
    if (this.#nonce === undefined) throw trouble('the authority gave no nonce');
    return this.#nonce;
  }

  async #send(
    url: string,
    { method, body }: { method: string; body?: string },
    signal: AbortSignal,
  ): Promise<Reply> {
    try {
      const reply = await ask(
        url,
        method,
        body,
        this.#options.ca,
        AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
      );
      this.#nonce = reply.nonce ?? this.#nonce;
      return reply;
    } catch (error) {
      throw trouble(`${new URL(url).host} cannot be asked: ${messageOf(error)}`, error);
    }
  }
}

/** `fetch` trusts no other authorities than Node's own. */
function ask(
  url: string,
  method: string,
  body: string | undefined,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Reply & { readonly nonce: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/jose+json', 'user-agent': 'muster' };
    const options = { method, headers, signal, agent: false, ...(ca === undefined ? {} : { ca }) };
    const question = request(url, options, (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length > LARGEST) response.destroy(new Error(`its answer is longer than ${LARGEST} bytes`));
        else parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () => {
        const { 'replay-nonce': nonce, location, 'retry-after': after = '' } = response.headers;
        resolve({
          status: response.statusCode ?? 0,
          nonce: typeof nonce === 'string' ? nonce : undefined,
          location,
          retryAfter: /^\d+$/.test(after) ? Math.max(100, Number(after) * 1_000) : undefined,
          text: Buffer.concat(parts).toString('utf8'),
        });
      });
    });
    question.on('error', reject);
    question.end(body);
  });
}

function problemOf(text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { detail: text.slice(0, 200) };
  }
}

function reasonOf(problem: Problem | undefined): string {
  if (problem === undefined) return '';
  const parts = [
    problem.detail,
    ...(problem.subproblems ?? []).map((one) => `${one.identifier?.value ?? ''} ${one.detail ?? ''}`),
  ];
  const said = parts.filter((part) => part !== undefined && part.trim() !== '').join('; ');
  return said === '' ? '' : `: ${said}`;
}

function trouble(why: string, cause?: unknown): MusterError {
  return new MusterError('tls.acme', why, { cause });
}
