import type { Client, ServiceEntry } from '../client/index.ts';
import { type AskOptions, followViews } from './views.ts';

/** A service that told of a change so lately, in ms, may have told of the next one too, in an answer that is still on its way. */
const RESTLESS = 5_000;

/** A service that is asked for; `toldAt`: when it was asked first or answered last, undefined before that. */
interface Watched {
  readonly ending: AbortController;
  toldAt: number | undefined;
}

/** The services of a registry that are followed, each with a question of its own. */
export class ServiceWatches {
  readonly #client: Client;
  readonly #ask: AskOptions;
  readonly #look: (service: string, entries: readonly ServiceEntry[]) => void;
  readonly #watched = new Map<string, Watched>();
  /** The round of questions that is under way, or over; and the one behind it, once somebody waits for that. */
  #round: Promise<unknown> = Promise.resolve();
  #next: Promise<unknown> | undefined;

  /** `look` is told each answer. */
  constructor(
    client: Client,
    ask: AskOptions,
    look: (service: string, entries: readonly ServiceEntry[]) => void,
  ) {
    this.#client = client;
    this.#ask = ask;
    this.#look = look;
  }

  /** Asks for it from now on, or once `before` is over. `onFirst`: it answered, or will not. */
  add(service: string, before?: Promise<unknown>, onFirst = (): void => {}): void {
    const ending = new AbortController();
    const one: Watched = { ending, toldAt: undefined };
    this.#watched.set(service, one);
    ending.signal.addEventListener('abort', onFirst, { once: true });
    const begin = () => this.#begin(service, one, onFirst);
    if (before === undefined) begin();
    else void before.then(begin);
  }

  /**
   * Adds those that are new, and knows of what was registered before them when it hears of them: as each is asked for on its own, the
   * newcomer could be heard of first.
   */
  addBehind(services: Iterable<string>): void {
    const fresh = [...services].filter((service) => !this.#watched.has(service));
    if (fresh.length === 0) return;
    const before = this.#watched.size === 0 ? undefined : this.#whatCameBefore();
    for (const service of fresh) this.add(service, before);
  }

  /** Answers which ones were dropped. */
  dropAllBut(wanted: ReadonlySet<string>): string[] {
    const gone = [...this.#watched.keys()].filter((service) => !wanted.has(service));
    for (const service of gone) {
      this.#watched.get(service)?.ending.abort();
      this.#watched.delete(service);
    }
    return gone;
  }

  /** Asks for each anew. */
  restart(): void {
    for (const service of [...this.#watched.keys()]) this.#again(service);
  }

  stop(): void {
    for (const { ending } of this.#watched.values()) ending.abort();
  }

  #begin(service: string, one: Watched, onFirst: () => void): void {
    const { health } = this.#client;
    const { clock } = this.#ask;
    one.toldAt = clock.now();
    void followViews(
      {
        once: (read) => health.service(service, read),
        watch: (read) => health.watchService(service, read),
      },
      (entries) => {
        if (one.ending.signal.aborted) return;
        one.toldAt = clock.now();
        this.#look(service, entries);
        onFirst();
      },
      {
        ...this.#ask,
        onTrouble: (error) => {
          this.#ask.onTrouble(error);
          onFirst();
        },
      },
      one.ending.signal,
    );
  }

  #again(service: string, onFirst?: () => void): void {
    this.#watched.get(service)?.ending.abort();
    this.add(service, undefined, onFirst);
  }

  /** One round of questions at a time: who comes during one shares the next. */
  #whatCameBefore(): Promise<unknown> {
    this.#next ??= this.#round.then(() => {
      this.#next = undefined;
      this.#round = this.#askRestless();
      return this.#round;
    });
    return this.#next;
  }

  /** Asks those anew of which an answer may be on its way. */
  #askRestless(): Promise<unknown> {
    const { interval, clock } = this.#ask;
    const restless = [...this.#watched].filter(
      ([, { toldAt }]) => toldAt !== undefined && (interval > 0 || clock.now() - toldAt < RESTLESS),
    );
    return Promise.all(
      restless.map(([service]) => new Promise<void>((resolve) => this.#again(service, resolve))),
    );
  }
}
