/** Numbers as they stand on a screen: never more digits than mean something, always a unit beside them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const natural = new Intl.Collator('en', { numeric: true });

/** Per second: "0", "0.4", "12", "1,234", "12.3 k". */
export function formatRate(value: number): string {
  if (value >= 99_950) return `${whole.format(value / 1000)} k`;
  if (value >= 10_000) return `${tenths.format(value / 1000)} k`;
  return value >= 10 ? whole.format(value) : tenths.format(value);
}

export function formatCount(value: number): string {
  return whole.format(value);
}

export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

/** Milliseconds: "0.4 ms", "12 ms", "1.2 s"; a dash when nothing was measured. */
export function durationOf(ms: number | null): Quantity {
  if (ms === null) return { value: '–', unit: '' };
  if (ms >= 999.5) return { value: tenths.format(ms / 1000), unit: 's' };
  return { value: ms >= 10 ? whole.format(ms) : tenths.format(ms), unit: 'ms' };
}

export function formatDuration(ms: number | null): string {
  const { value, unit } = durationOf(ms);
  return unit === '' ? value : `${value} ${unit}`;
}

/** How long something has lasted: "4 s", "12 min", "3 h", "5 d". Never below zero: clocks differ. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A share from 0 to 1: "0 %", "0.4 %", "12 %". What is not nothing never reads as "0 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent >= 10 ? whole.format(percent) : tenths.format(percent)} %`;
}

/** "1 instance", "2 instances" */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const UUID = /([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** UUIDs down to their first eight digits, which tell instances apart for people: "hello-86fd5d74…". */
export function shortened(text: string): string {
  return text.replace(UUID, '$1…');
}

/** Time of day, for the list of changes. */
export function formatTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour12: false });
}

/** How far into something: "0:00", "7:30", "26:05" in minutes and seconds, from an hour on "1:05 h". */
export function formatElapsed(ms: number): string {
  const [large, small] = ms >= 3_600_000 ? [3_600_000, 60_000] : [60_000, 1000];
  const rest = String(Math.floor((ms % large) / small)).padStart(2, '0');
  return `${Math.floor(ms / large)}:${rest}${large === 3_600_000 ? ' h' : ''}`;
}

/** Order in which people count: web-2 before web-10. */
export function byName(a: string, b: string): number {
  return natural.compare(a, b);
}
