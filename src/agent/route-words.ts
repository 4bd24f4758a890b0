/** What a route does besides leading somewhere, in the words of its options. */
import { warmth } from '../balance/slow-start.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Asker } from '../route/choice.ts';
import type { HandlingSpec, RateSpec } from '../route/handling.ts';
import type { RouteView, TargetView } from '../route/view.ts';

const percent = (part: number) => `${Number((part * 100).toFixed(2))}%`;
const askerText = ({ kind, name }: Asker) => (kind === 'address' ? kind : `${kind}:${name}`);

/** Options by name, as a tag says them; those that are not given are left out. */
export function optionsOf({
  handling,
  choice,
}: Pick<RouteView, 'handling' | 'choice'>): Record<string, string> {
  const { sticky, by, canary, slowStart } = choice ?? {};
  const all = {
    ...handlingOptions(handling),
    sticky: sticky === undefined ? '' : sticky.cookie || 'true',
    hashby: by === undefined ? '' : askerText(by),
    canary: canary === undefined ? '' : percent(canary.share),
    canaryby: canary === undefined ? '' : askerText(canary.by),
    canaryif: canary?.when === undefined ? '' : `${canary.when.header}:${canary.when.value}`,
    slowstart: slowStart === undefined ? '' : formatDuration(slowStart),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

function handlingOptions({
  strip,
  prepend,
  host,
  redirect,
  auth,
  access,
  mirror,
  rates = [],
  limits = {},
}: HandlingSpec) {
  const ranges = (texts: readonly string[] = []) => texts.map((range) => `ip:${range}`).join(',');
  const time = (ms: number | undefined) => (ms === undefined ? '' : formatDuration(ms));
  const size = (bytes: number | undefined) => (bytes === undefined ? '' : String(bytes));
  return {
    strip,
    prepend,
    host,
    redirect: redirect === undefined ? '' : `${redirect.code},${redirect.url}`,
    auth: auth ?? '',
    allow: ranges(access?.allow),
    deny: ranges(access?.deny),
    mirror: mirror === undefined ? '' : `${mirror.service},${percent(mirror.share)}`,
    rate: rates.map(rateText).join(' '),
    timeout: time(limits.responseTimeout),
    connecttimeout: time(limits.connectTimeout),
    silence: time(limits.responseSilence),
    maxhead: size(limits.maxHead),
    maxbody: size(limits.maxBody),
  };
}

const UNITS: Readonly<Record<number, string>> = { 1000: 's', 60000: 'm', 3600000: 'h' };

function rateText({ count, period, burst, by }: RateSpec): string {
  const who = by === 'route' ? by : askerText(by);
  return `${count}/${UNITS[period] ?? `${period}ms`},${who}${burst === count ? '' : `,burst:${burst}`}`;
}

/** What is unusual about the route as a whole at the moment; "" for nothing. */
export function emergencyText({ emergency }: Pick<RouteView, 'emergency'>): string {
  return emergency === undefined
    ? ''
    : `emergency: ${emergency.well} of ${emergency.of} instances are healthy, so those with failing checks are used too`;
}

/** What is special about an instance among those of its route, in words, in front of its share. */
export function standingWords({ standing }: TargetView, { choice }: RouteView, now: number): string[] {
  if (standing === undefined) return [];
  const { doubtful, isCanary, farZone, since } = standing;
  const part =
    choice?.slowStart === undefined ? 1 : warmth({ since, state: { returnedAt: 0 } }, choice.slowStart, now);
  return [
    doubtful === '' ? '' : `used in an emergency though ${doubtful}`,
    isCanary ? 'in the canary' : '',
    farZone === '' ? '' : `in the zone ${farZone}`,
    part < 1 ? `slow start, so far ${percent(part)} of its share` : '',
  ].filter((text) => text !== '');
}
