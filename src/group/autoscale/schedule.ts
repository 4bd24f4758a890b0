/** Least sizes by the time of the week. */

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export interface ScheduleWindow {
  /** On which days it begins. */
  readonly days: readonly Weekday[];
  /** Minutes since midnight; a window whose end is not behind its beginning lasts until the next day. */
  readonly from: number;
  readonly to: number;
  /** IANA name. */
  readonly timeZone: string;
  /** At least so many instances while it lasts. */
  readonly min: number;
}

const DAY = 24 * 60;
const NAMES: Record<string, Weekday> = {
  Mon: 'mon',
  Tue: 'tue',
  Wed: 'wed',
  Thu: 'thu',
  Fri: 'fri',
  Sat: 'sat',
  Sun: 'sun',
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** Throws a RangeError for a time zone that is not known. */
export function weekMinute(now: number, timeZone: string): { day: Weekday; minute: number } {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  return { day: NAMES[parts.weekday!]!, minute: Number(parts.hour) * 60 + Number(parts.minute) };
}

/** The size that the windows in force ask for; 0 when none is. */
export function leastAt(windows: readonly ScheduleWindow[], now: number): number {
  let least = 0;
  for (const window of windows) {
    const { day, minute } = weekMinute(now, window.timeZone);
    if (isIn(window, day, minute)) least = Math.max(least, window.min);
  }
  return least;
}

function isIn({ days, from, to }: ScheduleWindow, day: Weekday, minute: number): boolean {
  if (from < to) return days.includes(day) && minute >= from && minute < to;
  const yesterday = WEEKDAYS[(WEEKDAYS.indexOf(day) + 6) % 7]!;
  return (days.includes(day) && minute >= from && minute < DAY) || (days.includes(yesterday) && minute < to);
}
