/** Times in Go's layouts: "2006-01-02T15:04:05Z07:00" shows how the moment of Go's birthday would be written. */

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill);

interface Moment {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** Minutes east of Greenwich. */
  readonly offset: number;
  /** "UTC", "CET". */
  readonly zone: string;
}

const FIELDS = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  hourCycle: 'h23',
} as const;

/** The moment as clocks of a time zone show it. Throws RangeError for a zone that is not known. */
function momentIn(ms: number, zone: string): Moment {
  const parts = new Intl.DateTimeFormat('en-US', {
    ...FIELDS,
    timeZone: zone,
    timeZoneName: 'short',
  }).formatToParts(ms);
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '0';
  const [year, month, day] = [Number(of('year')), Number(of('month')) - 1, Number(of('day'))];
  const [hour, minute, second] = [Number(of('hour')), Number(of('minute')), Number(of('second'))];
  const wall = Date.UTC(year, month, day, hour, minute, second);
  return {
    year,
    month,
    day,
    weekday: new Date(wall).getUTCDay(),
    hour,
    minute,
    second,
    millisecond: ((ms % 1000) + 1000) % 1000,
    offset: Math.round((wall - Math.floor(ms / 1000) * 1000) / 60_000),
    zone: of('timeZoneName'),
  };
}

function offsetText({ offset }: Moment, colon: boolean, seconds: boolean, minutes = true): string {
  const sign = offset < 0 ? '-' : '+';
  const size = Math.abs(offset);
  const parts = [
    pad(Math.floor(size / 60)),
    ...(minutes ? [pad(size % 60)] : []),
    ...(seconds ? ['00'] : []),
  ];
  return sign + parts.join(colon ? ':' : '');
}

const yearDay = ({ year, month, day }: Moment): number =>
  Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;

type Writer = (moment: Moment) => string;

/** What stands in layouts; longer ones first. */
const ELEMENTS: readonly (readonly [string, Writer])[] = [
  ['January', (m) => MONTHS[m.month] as string],
  ['Jan', (m) => (MONTHS[m.month] as string).slice(0, 3)],
  ['Monday', (m) => DAYS[m.weekday] as string],
  ['Mon', (m) => (DAYS[m.weekday] as string).slice(0, 3)],
  ['MST', (m) => m.zone],
  ['2006', (m) => pad(m.year, 4)],
  ['002', (m) => pad(yearDay(m), 3)],
  ['__2', (m) => pad(yearDay(m), 3, ' ')],
  ['01', (m) => pad(m.month + 1)],
  ['02', (m) => pad(m.day)],
  ['03', (m) => pad(m.hour % 12 || 12)],
  ['04', (m) => pad(m.minute)],
  ['05', (m) => pad(m.second)],
  ['06', (m) => pad(m.year % 100)],
  ['15', (m) => pad(m.hour)],
  ['_2', (m) => pad(m.day, 2, ' ')],
  ['Z07:00:00', (m) => (m.offset === 0 ? 'Z' : offsetText(m, true, true))],
  ['Z070000', (m) => (m.offset === 0 ? 'Z' : offsetText(m, false, true))],
  ['Z07:00', (m) => (m.offset === 0 ? 'Z' : offsetText(m, true, false))],
  ['Z0700', (m) => (m.offset === 0 ? 'Z' : offsetText(m, false, false))],
  ['Z07', (m) => (m.offset === 0 ? 'Z' : offsetText(m, false, false, false))],
  ['-07:00:00', (m) => offsetText(m, true, true)],
  ['-070000', (m) => offsetText(m, false, true)],
  ['-07:00', (m) => offsetText(m, true, false)],
  ['-0700', (m) => offsetText(m, false, false)],
  ['-07', (m) => offsetText(m, false, false, false)],
  ['PM', (m) => (m.hour >= 12 ? 'PM' : 'AM')],
  ['pm', (m) => (m.hour >= 12 ? 'pm' : 'am')],
  ['1', (m) => String(m.month + 1)],
  ['2', (m) => String(m.day)],
  ['3', (m) => String(m.hour % 12 || 12)],
  ['4', (m) => String(m.minute)],
  ['5', (m) => String(m.second)],
];

const FRACTION = /^([.,])(0+|9+)(?![0-9])/;

/** The moment `ms` (since the epoch) in a layout of Go's, as clocks of `zone` show it ("UTC", "Europe/Berlin"). */
export function formatTime(ms: number, layout: string, zone = 'UTC'): string {
  const moment = momentIn(ms, zone);
  let out = '';
  for (let at = 0; at < layout.length; ) {
    const rest = layout.slice(at);
    const fraction = FRACTION.exec(rest);
    if (fraction !== null) {
      const [whole, point = '.', digits = ''] = fraction;
      const shown = pad(moment.millisecond, 3).padEnd(digits.length, '0').slice(0, digits.length);
      const trimmed = digits.startsWith('9') ? shown.replace(/0+$/, '') : shown;
      out += trimmed === '' ? '' : point + trimmed;
      at += whole.length;
      continue;
    }
    // "_2006" is an underscore and a year.
    const element = rest.startsWith('_2006') ? undefined : ELEMENTS.find(([name]) => rest.startsWith(name));
    // "Jan" inside a word such as "Janet" is none of ours.
    const isPartOfWord =
      element?.[0] === 'Jan' && /^[a-z]/.test(rest.slice(3)) && !rest.startsWith('January');
    if (element === undefined || isPartOfWord) {
      out += rest[0];
      at++;
    } else {
      out += element[1](moment);
      at += element[0].length;
    }
  }
  return out;
}

/** Go's time.RFC3339. */
export const RFC3339 = '2006-01-02T15:04:05Z07:00';
