/** Options of a route about traffic: who is kept together, tried out, copied, held back. Beyond fabio's; a new one is a line here. */

import { STRATEGY_NAMES, type StrategyName } from '../balance/strategies.ts';
import { parseDuration } from '../lib/duration.ts';
import { isFieldName } from '../lib/field-name.ts';
import { parseBytes } from '../lib/size.ts';
import { type Asker, BY_ADDRESS, type CanarySpec, type StickySpec } from './choice.ts';
import type { MirrorSpec, RateSpec, RouteLimitsSpec } from './handling.ts';

/** What such options of one tag come to. */
export interface TrafficRead {
  strategy: StrategyName | undefined;
  sticky: StickySpec | undefined;
  by: Asker | undefined;
  /** Set: the instance is in the canary. */
  canaryShare: number | undefined;
  canaryBy: Asker;
  canaryWhen: CanarySpec['when'];
  /** Milliseconds; 0: at once. */
  slowStart: number;
  /** Below this part of healthy instances those with failing checks are used too; 0: never. */
  panic: number;
  mirror: MirrorSpec | undefined;
  rates: RateSpec[];
  limits: RouteLimitsSpec;
}

export const noTraffic = (): TrafficRead => ({
  strategy: undefined,
  sticky: undefined,
  by: undefined,
  canaryShare: undefined,
  canaryBy: BY_ADDRESS,
  canaryWhen: undefined,
  slowStart: 0,
  panic: 0,
  mirror: undefined,
  rates: [],
  limits: {},
});

interface TrafficOption {
  /** As of `OptionKind`. */
  readonly ofRequests?: boolean;
  read(value: string, into: TrafficRead): string | undefined;
}

const ASKERS = 'address, header:NAME or cookie:NAME';

function askerOf(text: string): Asker | undefined {
  if (text === 'address') return BY_ADDRESS;
  const [, kind, name = ''] = /^(header|cookie):(.+)$/.exec(text) ?? [];
  if (!isFieldName(name)) return undefined;
  return kind === 'cookie' ? { kind, name } : { kind: 'header', name: name.toLowerCase() };
}

const asker = (name: 'by' | 'canaryBy'): TrafficOption => ({
  read(value, into) {
    const read = askerOf(value);
    if (read === undefined) return `it must be ${ASKERS}`;
    into[name] = read;
    return undefined;
  },
});

/** "5%" or "0.05". */
function shareOf(text: string): number | undefined {
  const [, number = '', percent] = /^(\d{1,3}(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? [];
  if (number === '') return undefined;
  const share = Number(number) / (percent === '%' ? 100 : 1);
  return share <= 1 ? share : undefined;
}

const limit = (
  name: keyof RouteLimitsSpec,
  parse: (text: string) => number | undefined,
  example: string,
): TrafficOption => ({
  ofRequests: true,
  read(value, into) {
    const read = parse(value);
    if (read === undefined || read <= 0) return `it must be ${example}`;
    into.limits = { ...into.limits, [name]: Math.round(read) };
    return undefined;
  },
});

const PERIODS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** "20/s", then in any order by whom (default: by address; "route": all together) and "burst:40". */
function rateOf(text: string): RateSpec | string {
  const [first = '', ...rest] = text.split(',');
  const [, number, unit = ''] = /^(\d{1,9})\/([smh])$/.exec(first) ?? [];
  const count = Number(number ?? 0);
  if (count === 0) return 'it must begin with a number of requests in a time, like 20/s, 100/m or 1000/h';
  let by: RateSpec['by'] = BY_ADDRESS;
  let burst = count;
  for (const part of rest) {
    const [, most] = /^burst:(\d{1,9})$/.exec(part) ?? [];
    const who = part === 'route' ? part : askerOf(part);
    if (most !== undefined && Number(most) > 0) burst = Number(most);
    else if (who !== undefined) by = who;
    else return `"${part}" is none of ${ASKERS}, route, burst:NUMBER`;
  }
  return { count, period: PERIODS[unit]!, burst, by };
}

export const TRAFFIC_OPTIONS = {
  strategy: {
    read(value, into) {
      const known = STRATEGY_NAMES.find((name) => name === value);
      if (known === undefined) return `it must be one of ${STRATEGY_NAMES.join(', ')}`;
      into.strategy = known;
      return undefined;
    },
  },
  /** "true", or the name of the cookie; behind a comma how long the client keeps it. */
  sticky: {
    ofRequests: true,
    read(value, into) {
      const [name = '', time, ...more] = value.split(',');
      const age = time === undefined ? 0 : parseDuration(time);
      if (!isFieldName(name) || age === undefined || age < 0 || more.length > 0)
        return 'it must be true or the name of a cookie, and may say how long it is kept: sticky=true,8h';
      into.sticky =
        name === 'false'
          ? undefined
          : { cookie: name === 'true' ? '' : name, maxAge: Math.round(age / 1_000) };
      return undefined;
    },
  },
  hashby: asker('by'),
  canary: {
    read(value, into) {
      const share = shareOf(value);
      if (share === undefined) return 'it must be a part of the users like 5% or 0.05';
      into.canaryShare = share;
      return undefined;
    },
  },
  canaryby: asker('canaryBy'),
  canaryif: {
    ofRequests: true,
    read(value, into) {
      const [, header = '', wanted = ''] = /^([^:]+):(.+)$/.exec(value) ?? [];
      if (!isFieldName(header)) return 'it must be a header field and its value, like X-Canary:yes';
      into.canaryWhen = { header: header.toLowerCase(), value: wanted };
      return undefined;
    },
  },
  slowstart: {
    read(value, into) {
      const time = parseDuration(value);
      if (time === undefined || time < 0) return 'it must be a time like 30s; 0 is at once';
      into.slowStart = time;
      return undefined;
    },
  },
  panic: {
    read(value, into) {
      const share = shareOf(value);
      if (share === undefined) return 'it must be a part of the instances like 50% or 0.5; 0 is never';
      into.panic = share;
      return undefined;
    },
  },
  /** "shadow", or "shadow,10%". */
  mirror: {
    ofRequests: true,
    read(value, into) {
      const [service = '', part, ...more] = value.split(',');
      const share = part === undefined ? 1 : shareOf(part);
      if (service === '' || share === undefined || more.length > 0)
        return 'it must be a service and may say which part of the requests, like shadow,10%';
      into.mirror = share === 0 ? undefined : { service, share };
      return undefined;
    },
  },
  rate: {
    read(value, into) {
      const rate = rateOf(value);
      if (typeof rate === 'string') return rate;
      into.rates.push(rate);
      return undefined;
    },
  },
  timeout: limit('responseTimeout', parseDuration, 'a time like 5s'),
  connecttimeout: limit('connectTimeout', parseDuration, 'a time like 500ms'),
  silence: limit('responseSilence', parseDuration, 'a time like 10s'),
  maxhead: limit('maxHead', parseBytes, 'a size like 8KB'),
  maxbody: limit('maxBody', parseBytes, 'a size like 10MB'),
} as const satisfies Record<string, TrafficOption>;
