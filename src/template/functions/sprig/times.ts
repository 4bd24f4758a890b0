/** sprig's functions for moments and lengths of time. A moment is what `now` answers, or whole seconds since the epoch. */
import { formatDuration, parseDuration } from '../../../lib/duration.ts';
import {
  ANY,
  fn,
  type GoType,
  INT,
  INT64,
  integerOf,
  type Method,
  Scalar,
  STRING,
  structType,
  type Value,
  ValueError,
} from '../../language/index.ts';
import { bound, type Context, type Group, pure } from '../entry.ts';
import { formatTime } from '../time.ts';

const YEAR = 365 * 86_400_000;

/** Units of `durationRound`, each with what Go's month and year are there. */
const ROUND = [
  ['y', YEAR],
  ['mo', 30 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

const MOMENTS = new WeakMap<object, number>();
const msOf = (self: object): number => MOMENTS.get(self) as number;

const method = (
  params: readonly GoType[],
  result: GoType,
  call: (ms: number, ...args: never[]) => Value,
): Method => ({
  params,
  variadic: false,
  result,
  call: (self, args) => call(msOf(self), ...(args as never[])),
});

const whole = (value: number): Value => new Scalar(INT64, BigInt(Math.floor(value)));

/** A moment, with the methods of Go's that texts are made with. Clocks stand at UTC. */
const Time = structType(
  'time.Time',
  {},
  {
    Format: method([STRING], STRING, (ms, layout: string) => formatTime(ms, layout)),
    String: method([], STRING, (ms) => formatTime(ms, '2006-01-02 15:04:05.999 -0700 MST')),
    Unix: method([], INT64, (ms) => whole(ms / 1000)),
    UnixMilli: method([], INT64, whole),
    UnixNano: method([], INT64, (ms) => new Scalar(INT64, BigInt(Math.floor(ms)) * 1_000_000n)),
    Year: method([], INT, (ms) => BigInt(new Date(ms).getUTCFullYear())),
    YearDay: method([], INT, (ms) => BigInt(formatTime(ms, '002'))),
    Day: method([], INT, (ms) => BigInt(new Date(ms).getUTCDate())),
    Hour: method([], INT, (ms) => BigInt(new Date(ms).getUTCHours())),
    Minute: method([], INT, (ms) => BigInt(new Date(ms).getUTCMinutes())),
    Second: method([], INT, (ms) => BigInt(new Date(ms).getUTCSeconds())),
    Month: method([], STRING, (ms) => formatTime(ms, 'January')),
    Weekday: method([], STRING, (ms) => formatTime(ms, 'Monday')),
  },
);

function timeOf(ms: number): Value {
  const time = new Time({});
  MOMENTS.set(time, ms);
  return time;
}

/** Milliseconds since the epoch. What is no moment is now, as in sprig. */
function momentOf(value: Value, context: Context): number {
  if (value instanceof Time) return msOf(value);
  const seconds = integerOf(value);
  return seconds === undefined ? context.now() : Number(seconds) * 1000;
}

/** The zone of this machine. */
const local = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A zone that is not known is UTC, as in sprig. */
function inZone(ms: number, layout: string, zone: string): string {
  try {
    return formatTime(ms, layout, zone === 'Local' ? local() : zone || 'UTC');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return formatTime(ms, layout);
  }
}

const HTML = '2006-01-02';

const date = bound(
  (context) =>
    fn([STRING, ANY], STRING, (layout: string, value: Value) =>
      inZone(momentOf(value, context), layout, 'Local'),
    ),
  "A moment in a layout of Go's, as clocks of this machine show it.",
  '{{ sprig_now | sprig_date "2006-01-02" }}',
);

const dateInZone = bound(
  (context) =>
    fn([STRING, ANY, STRING], STRING, (layout: string, value: Value, zone: string) =>
      inZone(momentOf(value, context), layout, zone),
    ),
  'The same in another zone.',
  '{{ sprig_dateInZone "15:04" sprig_now "Europe/Berlin" }}',
);

/** `must`: a length that is none is an error, not 0. */
const dateModify = (must: boolean) =>
  bound(
    (context) =>
      fn([STRING, ANY], ANY, (text: string, value: Value) => {
        const by = parseDuration(text);
        if (by === undefined && must) throw new ValueError(`time: invalid duration ${JSON.stringify(text)}`);
        return timeOf(momentOf(value, context) + (by ?? 0));
      }),
    'A moment so much later, or earlier.',
    '{{ sprig_now | sprig_dateModify "-24h" }}',
  );

function seconds(value: Value): number {
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? Number(value) : 0;
  return Number(integerOf(value) ?? 0n);
}

function rounded(ms: number): string {
  const size = Math.abs(ms);
  const [unit, length] = ROUND.find(([, one]) => size > one) ?? ROUND[5];
  return size > length ? `${Math.floor(size / length)}${unit}` : '0s';
}

function lengthOf(value: Value, context: Context): number {
  if (typeof value === 'string') return parseDuration(value) ?? 0;
  if (value instanceof Time) return context.now() - msOf(value);
  // Go's durations are nanoseconds.
  return Number(integerOf(value) ?? 0n) / 1e6;
}

export const TIMES: Group = {
  now: bound(
    (context) => fn([], ANY, () => timeOf(context.now())),
    'This moment. Renders anew each time.',
    '{{ sprig_now }}',
  ),
  date,
  dateInZone,
  date_in_zone: dateInZone,
  dateModify: dateModify(false),
  date_modify: dateModify(false),
  mustDateModify: dateModify(true),
  must_date_modify: dateModify(true),
  htmlDate: bound(
    (context) => fn([ANY], STRING, (value: Value) => inZone(momentOf(value, context), HTML, 'Local')),
    'The day, as forms take it.',
    '{{ sprig_now | sprig_htmlDate }}',
  ),
  htmlDateInZone: bound(
    (context) =>
      fn([ANY, STRING], STRING, (value: Value, zone: string) => inZone(momentOf(value, context), HTML, zone)),
    'The same in another zone.',
    '{{ sprig_htmlDateInZone sprig_now "UTC" }}',
  ),
  unixEpoch: bound(
    (context) => fn([ANY], STRING, (value: Value) => String(Math.floor(momentOf(value, context) / 1000))),
    'Seconds since 1970.',
    '{{ sprig_now | sprig_unixEpoch }}',
  ),
  ago: bound(
    (context) =>
      fn([ANY], STRING, (value: Value) =>
        formatDuration(Math.round((context.now() - momentOf(value, context)) / 1000) * 1000),
      ),
    'How long ago a moment was.',
    '{{ sprig_ago 1700000000 }}',
  ),
  duration: pure(
    fn([ANY], STRING, (value: Value) => formatDuration(seconds(value) * 1000)),
    'Seconds as a length of time.',
    '{{ sprig_duration "95" }}',
  ),
  durationRound: bound(
    (context) => fn([ANY], STRING, (value: Value) => rounded(lengthOf(value, context))),
    'A length of time in its largest unit, or how long ago a moment was.',
    '{{ sprig_durationRound "2h10m5s" }}',
  ),
};
