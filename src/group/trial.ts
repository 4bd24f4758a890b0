/**
 * What if a group had another policy: the autoscaler of production over the load that the group had in the last hour, or
 * over a trace. Nothing is changed by trying.
 */
import { MusterError } from '../errors.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Decision } from './autoscale/autoscaler.ts';
import type { PolicyName } from './autoscale/policies.ts';
import type { SignalName, SignalSpec } from './autoscale/signals.ts';
import { type Column, columnsOf, simulate } from './autoscale/simulate.ts';
import { type AutoscaleSpec, createAutoscaler, DEFAULTS } from './autoscale/spec.ts';
import type { Trace } from './autoscale/trace.ts';
import type { GroupPoint } from './view.ts';

/** What is asked for in place of what the group has; times in ms. */
export interface TrialQuestion {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly policy?: PolicyName | undefined;
  /** How far back a peak counts before the group is made smaller. */
  readonly lookback?: number | undefined;
  /** What one instance is meant to carry, by signals. One that the group does not go by is added. */
  readonly targets?: Readonly<Partial<Record<SignalName, number>>> | undefined;
  readonly believed?: { readonly [B in keyof Beliefs]?: Beliefs[B] | undefined };
  /** In place of what was recorded. */
  readonly trace?: Trace | undefined;
}

/** What a simulation has to believe of an instance; times in ms. */
export interface Beliefs {
  /** Requests a second that it is able to answer. */
  readonly capacity: number;
  /** From its start to its first request. */
  readonly boot: number;
  /** How long a request takes. */
  readonly work: number;
}

/** A policy as people tell it; times in ms. */
export interface TriedPolicy {
  readonly min: number;
  readonly max: number;
  readonly policy: PolicyName;
  readonly lookback: number;
  readonly signals: readonly {
    readonly kind: SignalName;
    readonly target: number;
    /** False: of a load that was recorded it cannot be told, so it had no say. */
    readonly isKnown: boolean;
  }[];
}

/** Sizes over a time. */
export interface Sizes {
  readonly smallest: number;
  readonly largest: number;
  readonly instanceHours: number;
}

export interface TrialStep extends Column {
  /** How many instances there were; null: of a trace that is not known. */
  readonly was: number | null;
}

export interface GroupTrial {
  /** False: the group has no autoscaler; what it would have is a guess from its load. */
  readonly isConfigured: boolean;
  /** What the group has, and what was tried. */
  readonly own: TriedPolicy;
  readonly tried: TriedPolicy;
  /** What is believed unless told otherwise, and what was. */
  readonly usual: Beliefs;
  readonly believed: Beliefs;
  /** When the load begins, ms since the epoch; 0 for a trace whose times are relative. */
  readonly start: number;
  /** Milliseconds of load. */
  readonly span: number;
  readonly was: Sizes | null;
  readonly would: Sizes & {
    readonly requests: number;
    readonly refused: number;
    readonly changes: number;
  };
  readonly steps: readonly TrialStep[];
  /** The last ones that changed the size, oldest first. */
  readonly decisions: readonly Decision[];
}

/** Steps that are answered: as many as a wide chart has room for. */
const MOST_COLUMNS = 720;
/** Decisions that are answered. */
const MOST_DECISIONS = 100;
/** A decision costs as much as looking at so many instances, and a simulation at most so much: a tenth of a second of the agent's time. */
const DECISION = 40;
const MOST_EFFORT = 1_000_000;
/** How much more than it is meant to carry an instance is believed to be able to. */
const HEADROOM = 1.25;
const BOOT = 30_000;
const WORK = 20;

/**
 * Throws `request.invalid` when nothing was recorded yet, when what is asked for is no policy, or when it would take too long.
 */
export function tryPolicy(
  configured: AutoscaleSpec | undefined,
  history: readonly GroupPoint[],
  question: TrialQuestion,
): GroupTrial {
  const own = configured ?? guessed(history);
  const spec = changed(own, question);
  const trace = question.trace ?? recorded(history);
  const isKnown = ({ kind }: SignalSpec) => question.trace !== undefined || isRecorded(kind, trace);
  const signals = spec.signal.filter(isKnown);
  if (signals.length + spec.schedule.length === 0)
    throw invalid(
      `nothing was recorded of what it goes by (${spec.signal.map(({ kind }) => kind).join(', ')}): try it with a trace, or by another signal`,
    );
  const span = trace.points.at(-1)!.at;
  const effort = (span / spec.interval + 1) * (DECISION + spec.max);
  if (effort > MOST_EFFORT)
    throw invalid(
      `${formatDuration(span)} with up to ${spec.max} instances is too much for an agent to try: give a shorter trace or a smaller largest size, or use "muster group simulate"`,
    );
  const usual: Beliefs = { capacity: capacityOf(own, history), boot: BOOT, work: WORK };
  const { capacity = usual.capacity, boot = usual.boot, work = usual.work } = question.believed ?? {};
  const believed: Beliefs = { capacity, boot, work };
  const began = question.trace === undefined ? history[0]!.size : spec.min;
  const result = simulate({
    trace,
    autoscaler: createAutoscaler(spec),
    signals,
    interval: spec.interval,
    ...believed,
    size: Math.min(spec.max, Math.max(spec.min, began)),
  });
  const past = question.trace === undefined ? history : undefined;
  return {
    isConfigured: configured !== undefined,
    own: told(own, isKnown),
    tried: told(spec, isKnown),
    usual,
    believed,
    start: trace.start,
    span,
    was: past === undefined ? null : sizesOf(past),
    would: {
      smallest: result.smallest,
      largest: result.largest,
      instanceHours: result.instanceHours,
      requests: result.offered,
      refused: result.refused,
      changes: result.decisions.length,
    },
    steps: columnsOf(result.steps, MOST_COLUMNS).map((column) => ({
      ...column,
      was: past === undefined ? null : sizeAt(past, trace.start + column.at),
    })),
    decisions: result.decisions.slice(-MOST_DECISIONS),
  };
}

function invalid(message: string): MusterError {
  return new MusterError('request.invalid', message);
}

/** What a group without an autoscaler might have: its busiest moment, shared by the instances of that moment. */
function guessed(history: readonly GroupPoint[]): AutoscaleSpec {
  const busiest = history.reduce<GroupPoint | undefined>(
    (most, point) => (most === undefined || point.requests > most.requests ? point : most),
    undefined,
  );
  const each = (busiest?.requests ?? 0) / Math.max(1, busiest?.ready ?? 1);
  const largest = Math.max(1, ...history.map(({ size }) => size));
  return {
    ...DEFAULTS,
    max: 2 * largest,
    signal: [{ kind: 'requests_per_second', target: each < 1 ? 100 : Number(each.toPrecision(2)) }],
  };
}

function changed(own: AutoscaleSpec, { lookback, targets = {}, ...question }: TrialQuestion): AutoscaleSpec {
  const { min = own.min, max = own.max, policy = own.policy } = question;
  if (min > max) throw invalid(`the least size, ${min}, is above the largest, ${max}`);
  const added = Object.entries(targets)
    .filter(([kind]) => own.signal.every((signal) => signal.kind !== kind))
    .map(([kind, target]) => ({ kind: kind as SignalName, target }));
  const kept = own.signal.map((signal) => ({ ...signal, target: targets[signal.kind] ?? signal.target }));
  return {
    ...own,
    min,
    max,
    policy,
    // What it would do is what is asked.
    mode: own.mode === 'off' ? 'on' : own.mode,
    signal: [...kept, ...added],
    target: { ...own.target, stabilization: lookback ?? own.target.stabilization },
    hpa: { ...own.hpa, in: { ...own.hpa.in, stabilization: lookback ?? own.hpa.in.stabilization } },
  };
}

/** Whether a load that was recorded tells it. */
function isRecorded(kind: SignalName, { points }: Trace): boolean {
  if (kind === 'metric') return false;
  // How long requests wait follows from the others.
  if (kind === 'requests_per_second' || kind === 'queue_wait') return true;
  return points.some(({ carried }) => carried?.[kind] !== undefined);
}

function recorded(history: readonly GroupPoint[]): Trace {
  const [first] = history;
  if (first === undefined || history.length < 2)
    throw invalid(
      'too little was recorded yet: it begins with the group, every ten seconds; or send a trace',
    );
  // A rate needs two looks: until there is one, the first that was had holds, and where it is missing the last.
  let carried = history.find((point) => point.carried !== undefined)?.carried;
  const points = history.map((point, index) => {
    carried = { ...carried, ...point.carried };
    const load = point.requests || (index === 0 ? history[1]!.requests : 0);
    return { at: point.at - first.at, load, carried };
  });
  return { start: first.at, points };
}

/** By what it is meant to carry, and no less than an instance was seen to carry. */
function capacityOf({ signal }: AutoscaleSpec, history: readonly GroupPoint[]): number {
  const meant = signal.find(({ kind }) => kind === 'requests_per_second')?.target ?? 0;
  const seen = Math.max(0, ...history.map(({ requests, ready }) => requests / Math.max(1, ready)));
  return Number(Math.max(1, meant * HEADROOM, meant === 0 ? seen * HEADROOM : seen).toPrecision(3));
}

function told(
  { min, max, policy, target, hpa, signal }: AutoscaleSpec,
  isKnown: (signal: SignalSpec) => boolean,
): TriedPolicy {
  return {
    min,
    max,
    policy,
    lookback: policy === 'hpa' ? hpa.in.stabilization : target.stabilization,
    signals: signal.map((one) => ({
      kind: one.kind,
      target: one.target,
      isKnown: isKnown(one),
    })),
  };
}

function sizesOf(history: readonly GroupPoint[]): Sizes {
  const sizes = history.map(({ size }) => size);
  const instanceHours = history.reduce((sum, { at, size }, index) => {
    const next = history[index + 1];
    return next === undefined ? sum : sum + (size * (next.at - at)) / 3_600_000;
  }, 0);
  return { smallest: Math.min(...sizes), largest: Math.max(...sizes), instanceHours };
}

/** Both in the order of time, but asked for anew from the beginning: at most 360 points. */
function sizeAt(history: readonly GroupPoint[], at: number): number {
  return (history.findLast((point) => point.at <= at) ?? history[0]!).size;
}
