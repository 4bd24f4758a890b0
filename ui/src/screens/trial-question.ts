/** What is asked of "what if a group had another policy", as it stands in the address. Pure. */
import type { GroupTrial, TriedPolicy } from '../../../src/api/muster/wire-answers.ts';

/** Parameters of the address that belong to the question; the rest is the page's own. */
const NAMES = [
  'min',
  'max',
  'policy',
  'lookback',
  'capacity',
  'boot',
  'cpu',
  'requests_per_second',
  'in_flight',
  'connections',
  'queue_wait',
  'metric',
] as const;

/** The address of the page without the question: nothing is tried any more. */
export const NOTHING: Readonly<Record<string, string>> = Object.fromEntries(
  ['try', ...NAMES].map((name) => [name, '']),
);

/** The part of the page's address that the API is asked with: "?max=5&cpu=0.5" or "". */
export function questionOf(query: URLSearchParams): string {
  const asked = new URLSearchParams();
  for (const name of NAMES) {
    const value = query.get(name);
    if (value) asked.set(name, value);
  }
  return asked.size === 0 ? '' : `?${asked}`;
}

/** Where the sliders stand: at what is asked, though the answer is still that to the question before. */
export function standing(
  { tried, believed }: Pick<GroupTrial, 'tried' | 'believed'>,
  query: URLSearchParams,
) {
  const number = (name: string, otherwise: number) => Number(query.get(name)) || otherwise;
  const duration = (name: string, otherwise: number) => durationIn(query.get(name) ?? '') ?? otherwise;
  return {
    min: number('min', tried.min),
    max: number('max', tried.max),
    policy: query.get('policy') || tried.policy,
    lookback: duration('lookback', tried.lookback),
    signals: tried.signals.map((one) => ({ ...one, target: number(one.kind, one.target) })),
    boot: duration('boot', believed.boot),
    capacity: number('capacity', believed.capacity),
  };
}

/** Reads what `durationText` writes. */
function durationIn(text: string): number | undefined {
  const [, count, unit] = /^(\d+)([sm])$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * (unit === 's' ? 1000 : 60_000);
}

/** "90s", "10m": whole seconds, as the API reads them. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** What to write into the configuration to have what was tried. */
export function policyToml(
  group: string,
  { own, tried, isConfigured }: Pick<GroupTrial, 'own' | 'tried' | 'isConfigured'>,
): string {
  const isOther = (name: 'min' | 'max' | 'policy') => !isConfigured || own[name] !== tried[name];
  const lines = [
    ...(isOther('min') ? [`min = ${tried.min}`] : []),
    ...(isOther('max') ? [`max = ${tried.max}`] : []),
    ...(isOther('policy') ? [`policy = "${tried.policy}"`] : []),
    ...signalLines(own, tried, isConfigured),
  ];
  const table = tried.policy === 'hpa' ? 'group.autoscale.hpa.in' : 'group.autoscale.target';
  const lookback =
    tried.lookback === own.lookback
      ? []
      : ['', `[${table}]`, `stabilization = "${durationText(tried.lookback)}"`];
  // A comment ends with its line, whatever the name is.
  const name = JSON.stringify(group);
  return [`# of the group ${name}`, '[group.autoscale]', ...lines, ...lookback].join('\n');
}

function signalLines(own: TriedPolicy, tried: TriedPolicy, isConfigured: boolean): string[] {
  if (isConfigured && JSON.stringify(own.signals) === JSON.stringify(tried.signals)) return [];
  const written = tried.signals.map(
    ({ kind, target }) =>
      `  { kind = "${kind}", target = ${target}${kind === 'metric' ? ', …' : ''} },${kind === 'metric' ? ' # the rest of it as it is' : ''}`,
  );
  return ['signal = [', ...written, ']'];
}
