import { setMaxListeners } from 'node:events';
import type { DockerEngine } from '../docker/engine.ts';
import { followEvents } from '../docker/events.ts';
import type { ContainerDetails, EngineEvent } from '../docker/types.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep, wakefulClock } from '../lib/clock.ts';
import { inParallel } from '../lib/in-parallel.ts';
import type { Logger } from '../lib/log.ts';
import { Containers, nameOfSummary } from './containers.ts';
import { keptBy } from './kept.ts';
import { Leaving } from './leaving.ts';
import { ownIds } from './metadata.ts';
import type { RegistratorOptions } from './options.ts';
import { fullPrint, type Put, stepsOf } from './reconcile.ts';
import { type Found, nameOf, servicesOf } from './services.ts';
import type { TagTemplate } from './tag-template.ts';
import type { PresentService, Target } from './target.ts';
import type { Problem, WantedService } from './wanted.ts';

export interface RegistratorParts {
  readonly engine: Pick<DockerEngine, 'listContainers' | 'inspectContainer' | 'events' | 'address'>;
  readonly target: Target;
  readonly options: RegistratorOptions;
  /** Address of services on the host's ports; "" for that of the node they are registered with. */
  readonly hostAddress: string;
  /** For checks of services without an address of their own. */
  readonly nodeAddress: string;
  readonly tags: TagTemplate;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly logger: Logger;
}

export interface RegistratorState {
  /** Registrations that stand. */
  readonly services: number;
  readonly containers: number;
  /** When everything was compared last and found or made right, in ms since the epoch; undefined before. */
  readonly comparedAt: number | undefined;
  /** Why it cannot be; undefined while all is well. */
  readonly trouble: string | undefined;
  /** Comparisons that came to their end, those that did not, and how long they took (ms). All counts are since the start. */
  readonly comparisons: number;
  readonly errors: number;
  readonly milliseconds: number;
  readonly puts: number;
  readonly removals: number;
  /** What cannot be used as it is, each told once for its container. */
  readonly problems: number;
  /** How often the engine was lost, or could not be reached again. */
  readonly engineLosses: number;
}

/** Actions of containers after which their services may be others; some are Podman's. */
const ACTIONS = /^(start|die|died|stop|kill|pause|unpause|rename|destroy|remove|cleanup|oom|health_status)\b/;
const BACKOFF: BackoffPolicy = { base: 200, max: 10_000 };
/**
 * Docker tells of a change some moments before its list shows it (of `unpause` for one): after the last word it is looked at
 * again after so many ms.
 */
const LOOK_AGAIN = [200, 1000];
/** Between two comparisons in a storm of events: half of the time at most, and no longer than this, in ms. */
const LONGEST_REST = 250;
/** Registrations at a time: as many as an agent writes in one commit. */
const AT_A_TIME = 16;

/**
 * Keeps a registry in line with what runs: at every word from the engine, every `resync`, and after any trouble, everything
 * is listed and compared anew, so that nothing hangs on an event that was missed. While engine or registry are away all
 * stays as it is. `stop` leaves the registrations: the containers go on.
 */
export class Registrator {
  readonly #parts: RegistratorParts;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #containers: Containers;
  readonly #leaving: Leaving;
  readonly #put = new Map<string, Put>();
  readonly #reported = new Set<string>();
  readonly #stopping = new AbortController();
  #ended: Promise<void> | undefined;
  #wake = () => {};
  #isDue = false;
  /** When to look again, in ms since the epoch. */
  #again: number[] = [];
  #state: RegistratorState = {
    services: 0,
    containers: 0,
    comparedAt: undefined,
    trouble: undefined,
    comparisons: 0,
    errors: 0,
    milliseconds: 0,
    puts: 0,
    removals: 0,
    problems: 0,
    engineLosses: 0,
  };

  constructor(parts: RegistratorParts) {
    const { engine, logger, clock = wakefulClock, random = Math.random } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#random = random;
    this.#containers = new Containers({ engine, clock, logger, late: () => this.#due() });
    this.#leaving = new Leaving(clock);
    // Every call under way listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  get state(): RegistratorState {
    return this.#state;
  }

  #count(
    what: 'comparisons' | 'errors' | 'milliseconds' | 'puts' | 'removals' | 'problems' | 'engineLosses',
    by = 1,
  ): void {
    this.#state = { ...this.#state, [what]: this.#state[what] + by };
  }

  start(): void {
    this.#ended ??= Promise.all([this.#listen(), this.#work(), this.#refresh()]).then(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#ended;
  }

  /** Listens before anything is listed: what happens in between is heard. */
  async #listen(): Promise<void> {
    const { engine, logger } = this.#parts;
    const { signal } = this.#stopping;
    let isAway = false;
    for await (const news of followEvents(engine, {
      signal,
      clock: this.#clock,
      random: this.#random,
      filters: { type: ['container', 'network'] },
    })) {
      if (news.kind === 'lost') {
        this.#count('engineLosses');
        if (!isAway)
          logger.warn('the container engine is away; registrations stay as they are', {
            engine: engine.address,
            error: messageOf(news.error),
          });
        isAway = true;
      } else if (news.kind === 'listening') {
        logger.info('listening to the container engine', { engine: engine.address });
        isAway = false;
        this.#due();
      } else this.#heard(news.event);
    }
  }

  #heard({ Type: type, Action: action = '', Actor: actor }: EngineEvent): void {
    const id = type === 'network' ? actor?.Attributes?.container : actor?.ID;
    if (id === undefined || (type === 'container' && !ACTIONS.test(action))) return;
    this.#containers.forget(id);
    // Whoever is told to end is taken out first: its last connections have come by then.
    if (action === 'kill' && this.#parts.options.deregister === 'always')
      this.#leaving.told(id, actor?.Attributes?.signal ?? '');
    if (action === 'die' || action === 'start') this.#leaving.over(id);
    const now = this.#clock.now();
    this.#again = LOOK_AGAIN.map((delay) => now + delay);
    this.#due();
  }

  #due(): void {
    this.#isDue = true;
    this.#wake();
  }

  async #work(): Promise<void> {
    const { logger, target, options } = this.#parts;
    const { signal } = this.#stopping;
    const resync = options.resync > 0 ? options.resync : Number.POSITIVE_INFINITY;
    let failures = 0;
    while (!signal.aborted) {
      this.#isDue = false;
      const began = this.#clock.now();
      this.#again = this.#again.filter((at) => at > began);
      try {
        await this.#compare(signal);
        if (failures > 0) logger.info('registrations are in line again', { registry: target.address });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        const trouble = messageOf(error);
        if (trouble !== this.#state.trouble) logger.warn(`registrations cannot be compared: ${trouble}`);
        this.#state = { ...this.#state, trouble };
        this.#count('errors');
        this.#count('milliseconds', this.#clock.now() - began);
        const delay = backoffDelay(BACKOFF, failures++, this.#random());
        await sleep(this.#clock, Math.min(delay, BACKOFF.base), signal);
        // Word from an engine that is back ends the wait.
        await this.#untilDue(delay);
        continue;
      }
      // A storm of events is answered with half of one's time at most.
      await sleep(this.#clock, Math.min(LONGEST_REST, this.#clock.now() - began), signal);
      const again = (this.#again[0] ?? Number.POSITIVE_INFINITY) - this.#clock.now();
      await this.#untilDue(Math.min(resync, again, this.#leaving.next()));
    }
  }

  #untilDue(ms: number): Promise<void> {
    if (this.#isDue || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = Number.isFinite(ms) ? this.#clock.after(ms, () => this.#wake()) : () => {};
      this.#wake = () => {
        cancel();
        this.#wake = () => {};
        resolve();
      };
    });
  }

  /** Renews what would run out. A failure leads to a comparison, and so does its end: nothing waits then for another try. */
  async #refresh(): Promise<void> {
    const { target, options, logger } = this.#parts;
    const { signal } = this.#stopping;
    if (target.refresh === undefined || options.ttlRefresh === 0) return;
    let trouble: string | undefined;
    while (!signal.aborted) {
      await sleep(this.#clock, options.ttlRefresh, signal);
      if (signal.aborted) return;
      const before = trouble;
      trouble = await target.refresh(signal).then(() => undefined, messageOf);
      if (signal.aborted) return;
      if (trouble !== undefined && trouble !== before)
        logger.warn(`registrations could not be renewed: ${trouble}`);
      if (trouble !== undefined || before !== undefined) this.#due();
    }
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const { target, options } = this.#parts;
    const began = this.#clock.now();
    const keepsFailed = options.deregister === 'on-success';
    // Nobody needs to know more of those that are told to end, and the engine may not say it until they have.
    const isLeaving = (id: string) => this.#leaving.has(id);
    const view = await this.#containers.view({ failed: keepsFailed, isLeaving, signal });
    this.#leaving.learn(view.running);
    const wanted = new Map<string, WantedService>();
    const problems: Problem[] = [];
    const unclear = view.unknown.map((one) => ({ id: one.Id, name: nameOfSummary(one) }));
    for (const details of view.running) {
      try {
        const found = await this.#servicesOf(details, signal);
        problems.push(...found.problems);
        for (const service of found.services) addTo(wanted, service, problems);
      } catch (error) {
        signal.throwIfAborted();
        unclear.push(nameOf(details));
        this.#report([{ container: nameOf(details), variable: '', message: messageOf(error) }]);
      }
    }
    this.#report(problems);
    const present = await target.list(signal);
    const isKept = keptBy({
      failed: view.failed.map(nameOf),
      failedIds: new Set(view.failed.flatMap(({ Config }) => ownIds(Config))),
      unclear,
      put: this.#put,
      hostname: options.hostname,
    });
    const steps = stepsOf({
      wanted,
      present,
      put: this.#put,
      print: target.print,
      hostname: options.hostname,
      cleanup: options.cleanup,
      isKept: ({ id }) => isKept(id),
      now: this.#clock.now(),
    });
    await this.#carryOut(steps.puts, steps.removals, signal);
    this.#count('comparisons');
    this.#count('milliseconds', this.#clock.now() - began);
    this.#state = {
      ...this.#state,
      services: wanted.size,
      containers: view.running.length,
      comparedAt: this.#clock.now(),
      trouble: undefined,
    };
  }

  async #servicesOf(details: ContainerDetails, signal: AbortSignal): Promise<Found> {
    const { options, hostAddress, nodeAddress, tags } = this.#parts;
    const mode = details.HostConfig?.NetworkMode ?? '';
    const other = mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
    const network = other === undefined ? undefined : await this.#containers.details(other, signal);
    if (other !== undefined && (network === undefined || network.State?.Running === false)) {
      const message = `its network is that of the container ${other}, which does not run: nobody reaches it`;
      return { services: [], problems: [{ container: nameOf(details), variable: '', message }] };
    }
    const extraTags = tags(details);
    const found = servicesOf(details, { options, hostAddress, nodeAddress, network, extraTags });
    const empty = extraTags.find((tag) => tag.includes(NO_VALUE));
    if (empty === undefined || found.services.length === 0) return found;
    const message = `the tag "${empty}" of -tags names what the container does not have`;
    return { ...found, problems: [...found.problems, { container: nameOf(details), variable: '', message }] };
  }

  /** New ones first: whoever moves is never absent. A registration that is refused costs the others nothing. */
  async #carryOut(
    puts: readonly WantedService[],
    removals: readonly PresentService[],
    signal: AbortSignal,
  ): Promise<void> {
    const { target, logger } = this.#parts;
    await inParallel(AT_A_TIME, puts, async (service) => {
      const { id, name, container } = service;
      try {
        await target.put(service, signal);
      } catch (error) {
        if (!isMusterError(error, 'client.refused') && !isMusterError(error, 'request.rejected')) throw error;
        this.#report([
          { container, variable: '', message: `${id} is refused by the registry: ${error.message}` },
        ]);
        return;
      }
      this.#count('puts');
      this.#put.set(id, { print: fullPrint(service), at: this.#clock.now(), container });
      logger.info('registered', { service: name, id, container: container.name });
    });
    await inParallel(AT_A_TIME, removals, async ({ id, name }) => {
      await target.remove({ id, name }, signal);
      this.#count('removals');
      if (!puts.some((service) => service.id === id)) this.#put.delete(id);
      logger.info('removed', { service: name, id });
    });
  }

  /** Each once for each container. */
  #report(problems: readonly Problem[]): void {
    if (this.#reported.size > MAX_REPORTED) this.#reported.clear();
    for (const { container, variable, message } of problems) {
      const key = `${container.id} ${variable} ${message}`;
      if (this.#reported.has(key)) continue;
      this.#reported.add(key);
      this.#count('problems');
      this.#parts.logger.warn(variable === '' ? message : `${variable}=${message}`, {
        container: container.name,
      });
    }
  }
}

const MAX_REPORTED = 10_000;
/** What Go's templates write for a field or a label that is not there. */
const NO_VALUE = '<no value>';

/** The older container has an ID that two want. */
function addTo(wanted: Map<string, WantedService>, service: WantedService, problems: Problem[]): void {
  const other = wanted.get(service.id);
  if (other === undefined) wanted.set(service.id, service);
  else
    problems.push({
      container: service.container,
      variable: 'SERVICE_ID',
      message: `the ID "${service.id}" belongs to the container ${other.container.name} already; ${service.name} of this one is left out`,
    });
}
