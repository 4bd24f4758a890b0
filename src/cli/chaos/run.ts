/** A plan carried out on a stack that runs: faults and load side by side, then everything undone and looked at. */
import { MusterError, messageOf } from '../../errors.ts';
import type { GroupView } from '../../group/view.ts';
import { wakefulClock as clock, sleep } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import { seeded } from '../../lib/seeded.ts';
import { FAULTS, type FaultKind } from './faults/kinds.ts';
import { isWhole, type StackGroups } from './groups.ts';
import { sendLoad } from './load.ts';
import { lengthOf, type Plan } from './plan.ts';
import { type Event, type Report, reportOf, type SizePoint } from './report.ts';
import { type Candidate, type Step, scheduleOf, victimOf } from './schedule.ts';

export interface ChaosOptions {
  readonly plan: Plan;
  readonly url: URL;
  readonly groups: StackGroups;
  /** Ends it early, with the report so far. */
  readonly signal: AbortSignal;
  /** Is told what happens while it does. */
  readonly say: (text: string) => void;
}

/** Between two looks at the groups, in ms. */
const LOOK_EVERY = 100;
/** A stack that is not whole by then, in ms, after everything was undone, will not be. */
const MENDS_WITHIN = 60_000;
const COMES_WITHIN = 120_000;

/** The load that has to succeed whole before anything is done. */
const FIRST = { load: [{ rate: 20, for: 1_000 }], clients: 1 };

/** Waits until all groups are whole and the URL answers. Throws `request.rejected` when they are not in time. */
export async function untilReady({ plan, url, groups, signal }: ChaosOptions): Promise<void> {
  const end = performance.now() + COMES_WITHIN;
  for (;;) {
    const lacking = await whatLacks();
    if (lacking === undefined) return;
    if (performance.now() > end)
      throw new MusterError(
        'request.rejected',
        `the stack is not ready after ${formatDuration(COMES_WITHIN)}: ${lacking}`,
      );
    await sleep(clock, LOOK_EVERY, signal);
    signal.throwIfAborted();
  }

  async function whatLacks(): Promise<string | undefined> {
    const views = await groups.views(signal);
    if (!groups.isComplete || views.length === 0) return 'not every agent tells of its groups';
    const some = views.filter((view) => !isWhole(view));
    if (some.length > 0)
      return some.map(({ name, ready, size }) => `${name} has ${ready} of ${size}`).join(', ');
    const samples = await sendLoad({ ...FIRST, resolver: plan.resolver }, url, signal);
    const failure = samples.find((sample) => sample.failure !== undefined)?.failure;
    return failure === undefined ? undefined : `${url.href} answers with ${failure}`;
  }
}

/** What lasts on an instance, until it is undone. */
interface Lasting {
  readonly undo: () => Promise<void>;
  readonly cancel: () => void;
}

class Run {
  readonly events: Event[] = [];
  readonly skipped: Record<string, number> = {};
  /** By group, from each change on. */
  readonly sizes = new Map<string, SizePoint[]>();
  readonly #options: ChaosOptions;
  readonly #began = performance.now();
  readonly #lasting = new Map<string, Lasting>();
  /** Events whose group is not whole yet, by group. */
  readonly #open = new Map<string, Event[]>();
  readonly #impossible = new Map<FaultKind, string>();

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /** Finds out which kinds cannot be done here. */
  async prepare(): Promise<void> {
    const kinds = new Set(this.#options.plan.fault.map(({ kind }) => kind));
    for (const kind of kinds) {
      if (kind === 'roll') continue;
      const { impossible } = FAULTS[kind] as { impossible?: () => Promise<string | undefined> };
      const why = await impossible?.();
      if (why === undefined) continue;
      this.#impossible.set(kind, why);
      this.#options.say(`${kind} is left out: ${why}\n`);
    }
  }

  async carryOut(steps: readonly Step[], signal: AbortSignal): Promise<void> {
    for (const step of steps) {
      await sleep(clock, step.at - this.#now(), signal);
      if (signal.aborted) return;
      await this.#step(step, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#skip(`${step.rule.kind}: ${messageOf(error)}`);
      });
    }
  }

  /** Looks how large groups are and when they are whole again; to be called again and again. */
  look(views: readonly GroupView[]): void {
    for (const view of views) {
      this.#measure(view);
      const hurt = [...this.#lasting.keys()].some((name) => view.instances.some((one) => one.name === name));
      if (hurt || !isWhole(view)) continue;
      const now = this.#now();
      const open = this.#open.get(view.name) ?? [];
      // What has begun just now may not show yet.
      const settled = open.filter(({ at, lasted }) => now - at > lasted + 2 * LOOK_EVERY);
      for (const event of settled) event.wholeAfter = now - event.at;
      this.#open.set(
        view.name,
        open.filter((event) => !settled.includes(event)),
      );
    }
  }

  #measure({ name, size, ready }: GroupView): void {
    const points = this.sizes.get(name) ?? [];
    const last = points.at(-1);
    if (last?.size === size && last.ready === ready) return;
    points.push({ at: points.length === 0 ? 0 : this.#now(), size, ready });
    this.sizes.set(name, points);
  }

  get isSettled(): boolean {
    return [...this.#open.values()].every((events) => events.length === 0);
  }

  async undoAll(): Promise<void> {
    await Promise.all([...this.#lasting.keys()].map((instance) => this.#undo(instance)));
  }

  async #step(step: Step, signal: AbortSignal): Promise<void> {
    const { rule } = step;
    const { groups } = this.#options;
    if (rule.kind === 'roll') {
      for (const group of rule.groups) {
        await groups.roll(group);
        this.#happened({ kind: 'roll', group, target: group, words: `${group} is rolled`, lasted: 0 });
      }
      return;
    }
    if (this.#impossible.has(rule.kind)) {
      this.#skip(`${rule.kind}: not possible here`);
      return;
    }
    const candidates = await groups.candidates(signal);
    const victim = victimOf(step, candidates, {
      hurt: new Set(this.#lasting.keys()),
      shared: sharedOf(candidates),
    });
    if (victim?.pid === undefined) {
      this.#skip(`${rule.kind}: nobody who could be spared`);
      return;
    }
    const { group, instance, pid } = victim;
    const fault = FAULTS[rule.kind];
    const lasted = fault.lasts ? rule.for : 0;
    const undo = await fault.begin({ group, instance, pid });
    const words = `${instance} ${fault.words}${fault.lasts ? ` for ${formatDuration(lasted)}` : ''}`;
    this.#happened({ kind: rule.kind, group, target: instance, words, lasted });
    if (!fault.lasts) return;
    const cancel = clock.after(lasted, () => void this.#undo(instance));
    this.#lasting.set(instance, { undo, cancel });
  }

  async #undo(instance: string): Promise<void> {
    const lasting = this.#lasting.get(instance);
    if (lasting === undefined) return;
    lasting.cancel();
    await lasting.undo().catch((error: unknown) => {
      this.#options.say(`what was done to ${instance} could not be undone: ${messageOf(error)}\n`);
    });
    this.#lasting.delete(instance);
  }

  #happened(event: Omit<Event, 'at' | 'wholeAfter'>): void {
    const whole: Event = { ...event, at: this.#now(), wholeAfter: undefined };
    this.events.push(whole);
    this.#open.set(event.group, [...(this.#open.get(event.group) ?? []), whole]);
    this.#options.say(`${(whole.at / 1_000).toFixed(1).padStart(6)} s  ${whole.words}\n`);
  }

  #skip(why: string): void {
    this.skipped[why] = (this.skipped[why] ?? 0) + 1;
  }

  #now(): number {
    return performance.now() - this.#began;
  }
}

/** Groups with more than one instance. */
function sharedOf(candidates: readonly Candidate[]): Set<string> {
  const seen = new Map<string, number>();
  for (const { group } of candidates) seen.set(group, (seen.get(group) ?? 0) + 1);
  return new Set([...seen].filter(([, count]) => count > 1).map(([group]) => group));
}

/** The stack has to be ready. Whatever happens, nothing that was done is left undone. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const { plan, url, groups, signal } = options;
  const length = lengthOf(plan);
  const run = new Run(options);
  await run.prepare();
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      // Rejects only when the run is over.
      run.look(await groups.views(over.signal).catch(() => []));
      await sleep(clock, LOOK_EVERY, over.signal);
    }
  })();
  try {
    const faults = run.carryOut(scheduleOf(plan.fault, length, seeded(plan.seed)), signal);
    const samples = await sendLoad(plan, url, signal);
    await faults;
    await run.undoAll();
    const end = performance.now() + MENDS_WITHIN;
    while (!run.isSettled && performance.now() < end && !signal.aborted)
      await sleep(clock, LOOK_EVERY, signal);
    const { events, skipped, sizes } = run;
    return reportOf({ seed: plan.seed, url: url.href, length, samples, events, skipped, sizes });
  } finally {
    await run.undoAll();
    over.abort();
    await looking;
  }
}
