/** Cookies that keep a client at one instance. They name it by a keyed hash: nobody learns of addresses, nobody chooses an instance. */
import { createHmac } from 'node:crypto';
import type { Target } from '../../balance/balancer.ts';
import type { StickySpec } from '../../route/choice.ts';
import type { Route } from '../../route/table.ts';
import { latin1 } from './bytes.ts';

/** Bytes of the hash: 96 bits are no more to be guessed than 256. */
const LENGTH = 12;
/** Instances whose names are remembered; then it begins anew. */
const MOST_KNOWN = 16_384;
const NOTHING = new Uint8Array();

/** What a request said of where its client was before. */
export interface Stick {
  readonly cookie: string;
  readonly maxAge: number;
  /** The name of the instance; "" for a client that comes for the first time. */
  readonly name: string;
}

export class Sticky {
  readonly #key: string;
  readonly #names = new Map<string, string>();
  readonly #cookies = new Map<string, string>();
  /** By the targets of a route as they are in one table. */
  readonly #targets = new WeakMap<readonly Target[], ReadonlyMap<string, Target>>();

  /** `key`: the same for all who are to know each other's cookies. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The cookie of a route: its own name, or one made of the route's, since a browser sends all cookies of a host. */
  cookieOf(route: Route, { cookie }: StickySpec): string {
    if (cookie !== '') return cookie;
    return remember(this.#cookies, route.id, () => `muster-${this.#hash(`route ${route.id}`).slice(0, 8)}`);
  }

  /** The instance of that name, if it is still one of the route's and well. */
  find({ targets }: Route, name: string): Target | undefined {
    if (name === '') return undefined;
    let known = this.#targets.get(targets);
    if (known === undefined) {
      known = new Map(targets.map((target) => [this.#nameOf(target), target]));
      this.#targets.set(targets, known);
    }
    const target = known.get(name);
    return target !== undefined && target.weight > 0 && target.state.ejectedUntil === 0 ? target : undefined;
  }

  /** The line for an answer of `target`; empty when the client has the cookie already. */
  line({ cookie, maxAge, name }: Stick, target: Target, secure: boolean): Uint8Array {
    const own = this.#nameOf(target);
    if (own === name) return NOTHING;
    const age = maxAge === 0 ? '' : `; Max-Age=${maxAge}`;
    return latin1(
      `Set-Cookie: ${cookie}=${own}; Path=/${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}\r\n`,
    );
  }

  #nameOf({ id }: Target): string {
    return remember(this.#names, id, () => this.#hash(id));
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, LENGTH).toString('base64url');
  }
}

function remember(known: Map<string, string>, key: string, make: () => string): string {
  let value = known.get(key);
  if (value === undefined) {
    if (known.size >= MOST_KNOWN) known.clear();
    value = make();
    known.set(key, value);
  }
  return value;
}
