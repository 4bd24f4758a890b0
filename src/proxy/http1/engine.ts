/** What all sessions of a worker share. */
import { randomInt, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Target } from '../../balance/balancer.ts';
import { RateTable } from '../../balance/rate-limit.ts';
import { RETRIES, RetryBudget } from '../../balance/retry-budget.ts';
import { compileGoRegexp, type GoRegexp } from '../../lib/go-regexp.ts';
import type { Span } from '../../lib/otlp.ts';
import { PLAIN } from '../../route/handling.ts';
import type { RouteTable } from '../../route/table.ts';
import { Credentials, compareBcrypt } from '../auth.ts';
import type { Counters } from '../counters.ts';
import type { ProxyLimits } from '../limits.ts';
import type { Neighbours } from '../neighbours.ts';
import type { NoRouteSettings, ProxySettings } from '../settings.ts';
import type { Lack } from '../shortage.ts';
import { latin1 } from './bytes.ts';
import type { RequestRewrite } from './compose.ts';
import { ExchangeLog } from './exchange-log.ts';
import { ExtraFields } from './extra-fields.ts';
import type { HeadLimits } from './fields.ts';
import { Forwarding } from './forwarding.ts';
import { KeptRequests } from './kept-requests.ts';
import type { Transport } from './links.ts';
import { createMemory } from './memory.ts';
import { Mirrors } from './mirror.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';
import { Sticky } from './sticky.ts';
import { SAMPLED, type Trace } from './trace.ts';
import { WaitingRoom } from './waiting-room.ts';

/** What the traffic says about an instance; the worker passes it on to ejection and probes. */
export interface Outcomes {
  /** Nobody listens there, or the connect timed out. */
  connectFailed(target: Target, why: string): void;
  /** A fresh connection broke before the response. */
  cut(target: Target): void;
  /** A response came. Called for every request. */
  answered(target: Target): void;
  /** A response came that says that the instance cannot (502, 503, 504); `peers`: all instances of the route. */
  erred(target: Target, status: number, peers: readonly Target[]): void;
}

export interface EngineOptions {
  limits: ProxyLimits;
  counters: Counters;
  outcomes: Outcomes;
  /** A connection was refused, or could not be opened, for lack of something on our side. */
  onLack?: ((lack: Lack) => void) | undefined;
  /** Something besides the traffic does not work, in words. */
  onTrouble?: ((why: string) => void) | undefined;
  /** Takes the spans of a recorded request that is over; undefined: none are recorded. */
  onSpans?: ((spans: readonly Span[]) => void) | undefined;
  /** Buckets of the rate limits, shared by the workers; its own when not given. */
  rates?: RateTable | undefined;
  /** As `createMemory` makes it or longer: a transport that reads to other places has them behind it. */
  memory?: Uint8Array;
  /** Calls a task when the present event is done with; default: a microtask. */
  soon?: (task: () => void) => void;
  /** Other workers with which room for requests is shared. */
  neighbours?: Neighbours | undefined;
  /** Monotonic milliseconds. */
  now: () => number;
  /** Seconds resolution is enough: for Date (ms since the epoch). */
  wallClock: () => number;
  /** Called before a request is routed: puts in place what is newer than `routes`. */
  catchUp?: (() => void) | undefined;
}

const NOTHING = new Uint8Array();
const NO_CHALLENGES: ReadonlyMap<string, string> = new Map();
const NO_ROUTES: RouteTable = {
  match: () => undefined,
  next: () => undefined,
  ignoresPath: () => true,
  tcp: () => undefined,
  ofHost: () => undefined,
  mirror: () => undefined,
};
const NOBODY = new Credentials(
  {},
  () => Promise.resolve(false),
  () => 0,
);

export class Engine {
  readonly memory: Uint8Array;
  readonly request = new RequestHead();
  readonly response = new ResponseHead();
  readonly limits: ProxyLimits;
  /** Of response heads: a line may be as long as the head. Policies and cookies of backends grow, and nobody attacks with them. */
  readonly responseLimits: HeadLimits;
  readonly counters: Counters;
  readonly outcomes: Outcomes;
  readonly onLack: (lack: Lack) => void;
  readonly onTrouble: (why: string) => void;
  readonly onSpans: ((spans: readonly Span[]) => void) | undefined;
  /** Engine time in ms: of the event that is being handled. */
  time: number;
  /** Reused for every request. */
  readonly rewrite: RequestRewrite;
  /** Answers to ACME authorities by token (RFC 8555 §8.3): before any route. Empty but for moments. */
  challenges: ReadonlyMap<string, string> = NO_CHALLENGES;
  readonly transport: Transport;
  /** Requests that wait because every instance has as many as it may. */
  readonly waiting: WaitingRoom;
  readonly retries: RetryBudget;
  readonly requests = new KeptRequests();
  readonly rates: RateTable;
  readonly mirrors: Mirrors;
  sticky: Sticky;
  /** There is an account of each exchange: a log, or traces. */
  tells = false;
  /** Undefined where none is configured. */
  extras: ExtraFields | undefined;
  credentials: Credentials = NOBODY;
  /** Undefined where nothing is compressed. */
  compress: GoRegexp | undefined;
  /** Undefined where requests are not logged. */
  log: ExchangeLog | undefined;
  /** Undefined: 404 with a sentence. */
  noRoute: NoRouteSettings | undefined;
  /** "Date: …\r\n" of the present second. */
  date: Uint8Array = new Uint8Array();
  #routes: RouteTable = NO_ROUTES;
  readonly #catchUp: () => void;
  #accessLog: ProxySettings['accessLog'];
  /** Resolves when the log of former settings is written. */
  #formerLog: Promise<void> | undefined;
  #isRecording = false;
  /** For cookies, when none is configured: known to nobody else, and gone with the worker. */
  readonly #ownKey = randomUUID();
  #stickyKey: string | undefined;
  readonly #now: () => number;
  readonly #wallClock: () => number;

  constructor(
    {
      limits,
      counters,
      outcomes,
      onLack = () => {},
      onTrouble = () => {},
      onSpans,
      rates = new RateTable(RateTable.memory(randomInt(2 ** 32))),
      memory = createMemory(),
      soon = queueMicrotask,
      neighbours,
      now,
      wallClock,
      catchUp = () => {},
    }: EngineOptions,
    transport: (engine: Engine) => Transport,
  ) {
    this.memory = memory;
    this.limits = limits;
    this.responseLimits = { ...limits, maxLine: limits.maxHead };
    this.counters = counters;
    this.outcomes = outcomes;
    this.onLack = onLack;
    this.onTrouble = onTrouble;
    this.onSpans = onSpans;
    this.#now = now;
    this.#catchUp = catchUp;
    this.time = now();
    this.rewrite = {
      handling: PLAIN,
      host: NOTHING,
      hostPort: -1,
      fallbackHost: NOTHING,
      forwarding: new Forwarding('unknown', {}),
      upgrade: false,
      maxForwards: -1,
      extras: undefined,
    };
    this.#wallClock = wallClock;
    this.waiting = new WaitingRoom({ most: limits.maxWaiting, soon, now, neighbours });
    this.retries = new RetryBudget({ ...RETRIES, share: limits.retryShare });
    this.rates = rates;
    this.sticky = new Sticky(this.#ownKey);
    this.mirrors = new Mirrors(this);
    this.transport = transport(this);
    this.tick();
  }

  /** What to do with HTTP besides; takes effect with the next request. */
  configure({ headers, sampler, noRoute, auth, compress, accessLog, stickyKey }: ProxySettings): void {
    if (stickyKey !== this.#stickyKey) {
      this.#stickyKey = stickyKey;
      this.sticky = new Sticky(stickyKey ?? this.#ownKey);
    }
    this.compress = compress === undefined ? undefined : compileGoRegexp(compress);
    if (!isDeepStrictEqual(accessLog, this.#accessLog)) {
      this.#accessLog = accessLog;
      this.#formerLog = this.log?.close();
      this.log = accessLog === undefined ? undefined : new ExchangeLog(accessLog, this.onTrouble);
    }
    this.#isRecording = sampler !== undefined && this.onSpans !== undefined;
    this.extras =
      headers === undefined && sampler === undefined ? undefined : new ExtraFields(headers ?? {}, sampler);
    this.tells = this.log !== undefined || this.extras !== undefined;
    this.noRoute = noRoute;
    this.credentials = auth === undefined ? NOBODY : new Credentials(auth, compareBcrypt, this.#now);
  }

  /** Resolves when all lines of the log are written: to be awaited before the thread ends. */
  async finishLog(): Promise<void> {
    await Promise.all([this.#formerLog, this.log?.close()]);
  }

  /** Whether spans are to be kept of a request in this trace. */
  records(trace: Trace | undefined): trace is Trace {
    return this.#isRecording && trace?.flags === SAMPLED;
  }

  /** Milliseconds since the epoch. */
  wallTime(): number {
    return this.#wallClock();
  }

  /** The newest table; swapped whole. */
  get routes(): RouteTable {
    this.#catchUp();
    return this.#routes;
  }

  set routes(routes: RouteTable) {
    this.#routes = routes;
  }

  /** Looks at the clock: once per event, not once per use. */
  touch(): number {
    this.time = this.#now();
    return this.time;
  }

  /** To be called about once a second while there is traffic. */
  tick(): void {
    this.date = latin1(`Date: ${new Date(this.#wallClock()).toUTCString()}\r\n`);
  }
}
