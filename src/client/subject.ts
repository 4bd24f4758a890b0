import { MusterError } from '../errors.ts';
import { formatUint64 } from '../lib/json-uint64.ts';
import type { Client } from './client.ts';
import type { UserEvent } from './event.ts';
import { toBase64 } from './platform.ts';
import type { KvPair } from './types.ts';
import type { Watch, WatchOptions } from './watch.ts';

/** What can be watched, in the words of Consul's watches. */
export interface Subject {
  readonly type: SubjectType;
  /** For "key". */
  readonly key?: string | undefined;
  /** For "keyprefix". */
  readonly prefix?: string | undefined;
  /** For "service", and for "checks" of one. */
  readonly service?: string | undefined;
  /** Only instances with all of these tags, for "service". */
  readonly tag?: readonly string[] | undefined;
  /** Only instances that pass, for "service". */
  readonly passingOnly?: boolean | undefined;
  /** Only checks in this state, for "checks". */
  readonly state?: CheckStateOrAny | undefined;
  /** Only events of this name, for "event". */
  readonly name?: string | undefined;
}

export const STATES = ['any', 'passing', 'warning', 'critical'] as const;
export type CheckStateOrAny = (typeof STATES)[number];

type Follow = (client: Client, subject: Subject, options: WatchOptions) => Watch<unknown>;
/** Makes what is told of a view; one for each watch. */
type Telling = () => (view: unknown) => unknown;

interface Kind {
  /** What has to be given. */
  readonly needs: keyof Subject | undefined;
  readonly follow: Follow;
  /** Left out: a view is told as it is. */
  readonly telling?: Telling;
}

/** Of events only those that were not told yet, as in Consul: what is done for one is done once. */
const unseen: Telling = () => {
  let told: UserEvent[] | undefined;
  return (view) => {
    const events = view as UserEvent[];
    const last = told?.at(-1)?.ID;
    const news = events.slice(events.findIndex(({ ID }) => ID === last) + 1);
    if (told === undefined || news.length > 0) told = news;
    return told;
  };
};

/** Where there are no keys Consul says null. */
const nothingForNone: Telling = () => (view) => ((view as unknown[]).length === 0 ? undefined : view);

/** A further kind is one line here. */
const KINDS = {
  key: { needs: 'key', follow: ({ kv }, { key = '' }, options) => kv.watch(key, options) },
  keyprefix: {
    needs: 'prefix',
    follow: ({ kv }, { prefix = '' }, options) => kv.watchList(prefix, options),
    telling: nothingForNone,
  },
  services: { needs: undefined, follow: ({ catalog }, _, options) => catalog.watchServices(options) },
  nodes: { needs: undefined, follow: ({ catalog }, _, options) => catalog.watchNodes(options) },
  service: {
    needs: 'service',
    follow: ({ health }, { service = '', tag, passingOnly = false }, options) =>
      health.watchService(service, {
        ...options,
        passing: passingOnly,
        ...(tag === undefined ? {} : { tag }),
      }),
  },
  checks: {
    needs: undefined,
    follow: ({ health }, { service, state = 'any' }, options) =>
      service === undefined ? health.watchState(state, options) : health.watchChecks(service, options),
  },
  event: {
    needs: undefined,
    follow: ({ event }, { name }, options) => event.watch(name, options),
    telling: unseen,
  },
} as const satisfies Record<string, Kind>;

export type SubjectType = keyof typeof KINDS;
export const SUBJECT_TYPES = Object.keys(KINDS) as SubjectType[];

/** What a subject lacks to be watched, or undefined. */
export function missingOf(subject: Subject): keyof Subject | undefined {
  const { needs } = KINDS[subject.type];
  return needs !== undefined && subject[needs] === undefined ? needs : undefined;
}

/** Views of a subject. Throws `usage` when it lacks something. */
export function watchSubject(client: Client, subject: Subject, options: WatchOptions): Watch<unknown> {
  const missing = missingOf(subject);
  if (missing !== undefined) throw new MusterError('usage', `watching a ${subject.type} needs -${missing}`);
  const { follow }: { follow: Follow } = KINDS[subject.type];
  return follow(client, subject, options);
}

/**
 * The views of a watch on a subject of this type, as JSON and as they are to be told, each that is another than the one before: an
 * index may rise without that anything shown changes.
 */
export async function* changedViews(
  watch: Watch<unknown>,
  type: SubjectType,
): AsyncGenerator<string, void, undefined> {
  const { telling }: Kind = KINDS[type];
  const told = telling?.() ?? ((view: unknown) => view);
  let before: string | undefined;
  for await (const view of watch) {
    const text = formatUint64(plainView(told(view)), 'Flags', '');
    if (text === before) continue;
    before = text;
    yield text;
  }
}

/** A view as Consul's watches have it: values of keys in base64, null for what is not there. */
function plainView(view: unknown): unknown {
  if (view === undefined) return null;
  if (Array.isArray(view)) return view.map(plainView);
  const { Value } = view as Partial<KvPair>;
  return Value instanceof Uint8Array ? { Session: '', ...(view as KvPair), Value: toBase64(Value) } : view;
}
