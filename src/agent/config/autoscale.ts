/** `[group.autoscale]`: how many instances a group has, by what they carry. */
import * as z from 'zod';
import { AUTOSCALE_MODES } from '../../group/autoscale/autoscaler.ts';
import { POLICIES, type PolicyName } from '../../group/autoscale/policies.ts';
import { WEEKDAYS, weekMinute } from '../../group/autoscale/schedule.ts';
import {
  type MetricSource,
  SIGNALS,
  type SignalName,
  type SignalSpec,
} from '../../group/autoscale/signals.ts';
import { parseSelector } from '../../group/metrics/exposition.ts';
import { duration, timeOfDay } from './fields.ts';

const rateSchema = z
  .strictObject({
    instances: z.int().min(1).optional().describe('So many instances.'),
    share: z.number().min(0).optional().describe('Such a share of what there was: 1 is as many again.'),
    period: duration({ least: 1000 }).prefault('15s').describe('In how long.'),
  })
  .refine(({ instances, share }) => (instances === undefined) !== (share === undefined), {
    error: 'expected either `instances` or `share`',
  });

/** What Kubernetes takes for both directions when nothing is said. */
const OUT_RATES = [
  { instances: 4, period: '15s' },
  { share: 1, period: '15s' },
];
const IN_RATES = [{ share: 1, period: '15s' }];

function directionSchema(stabilization: string, rates: typeof OUT_RATES | typeof IN_RATES) {
  return z
    .strictObject({
      stabilization: duration()
        .prefault(stabilization)
        .describe('The mildest of the proposals of this time counts.'),
      rates: z.array(rateSchema).prefault(rates).describe('How fast; an empty list forbids the direction.'),
      select: z
        .enum(['max', 'min'])
        .default('max')
        .describe('Which of several rates holds: the fastest or the slowest.'),
    })
    .prefault({});
}

/** What tells where the number of a `metric` comes from; one of them is given. */
const SOURCES = ['url', 'query', 'key', 'meta'] as const;

const signalSchema = z
  .strictObject({
    kind: z.enum(Object.keys(SIGNALS) as [SignalName, ...SignalName[]]).describe(
      `What is measured: ${Object.entries(SIGNALS)
        .map(([name, { unit }]) => `\`${name}\` (${unit})`)
        .join(', ')}.`,
    ),
    target: z.number().gt(0).describe('How much of it one instance is meant to carry.'),
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as "http://127.0.0.1:$PORT/metrics"' })
      .optional()
      .describe(
        'Of a `metric`: a page of metrics as Prometheus reads it. With `$PORT`, each instance has its own; else its number is that of the whole group.',
      ),
    metric: z
      .string()
      .refine((text) => parseSelector(text) !== undefined, {
        error: 'expected a name and perhaps labels, such as "jobs{queue=\\"mail\\"}"',
      })
      .optional()
      .describe('Which number of that page: a name, perhaps with labels; of several samples the sum.'),
    rate: z
      .boolean()
      .default(false)
      .describe('That number only rises: what counts is by how much in a second.'),
    query: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Of a `metric`: what the Prometheus server `prometheus` is asked; a number for the whole group.',
      ),
    prometheus: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as "http://prometheus:9090"' })
      .optional()
      .describe('That server.'),
    key: z
      .string()
      .min(1)
      .optional()
      .describe('Of a `metric`: a key of the key/value store with a number for the whole group.'),
    meta: z
      .string()
      .min(1)
      .optional()
      .describe("Of a `metric`: a number in the metadata of each instance's service."),
  })
  .superRefine((signal, context) => {
    const given = SOURCES.filter((name) => signal[name] !== undefined);
    const fault = faultOf(signal, given);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  })
  .transform(({ kind, target, url, metric = '', rate, query, prometheus = '', key, meta }): SignalSpec => {
    const spec = (source: MetricSource): SignalSpec => ({ kind, target, source });
    if (url !== undefined) return spec({ kind: 'page', url, metric, rate });
    if (query !== undefined) return spec({ kind: 'query', server: prometheus, query });
    if (key !== undefined) return spec({ kind: 'key', key });
    return meta === undefined ? { kind, target } : spec({ kind: 'meta', meta });
  });

function faultOf(
  {
    kind,
    metric,
    rate,
    prometheus,
  }: { kind: string; metric?: string | undefined; rate: boolean; prometheus?: string | undefined },
  given: readonly (typeof SOURCES)[number][],
): string | undefined {
  if (kind !== 'metric')
    return given.length + (metric === undefined ? 0 : 1) + (prometheus === undefined ? 0 : 1) === 0 && !rate
      ? undefined
      : 'expected `kind = "metric"`, since it is said where the number comes from';
  if (given.length !== 1)
    return 'expected one of `url`, `query`, `key` and `meta`: where the number comes from';
  if ((given[0] === 'url') !== (metric !== undefined)) return 'expected `url` and `metric` together';
  if ((given[0] === 'query') !== (prometheus !== undefined))
    return 'expected `query` and `prometheus` together';
  return rate && given[0] !== 'url' ? 'expected `rate` only with `url`' : undefined;
}

const scheduleSchema = z.strictObject({
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .default([...WEEKDAYS])
    .describe('On which days it begins; every day unless said.'),
  from: timeOfDay().describe('Beginning, "08:00".'),
  to: timeOfDay().describe('End, "18:30"; one that is not behind the beginning is on the next day.'),
  timeZone: z
    .string()
    .default('UTC')
    .refine(isTimeZone, { error: 'expected a time zone such as "Europe/Berlin" or "UTC"' })
    .describe('Time zone of both.'),
  min: z.int().min(1).max(1000).describe('Least size meanwhile.'),
});

export const autoscaleSchema = z
  .strictObject({
    min: z.int().min(1).max(1000).default(1).describe('Least size.'),
    max: z.int().min(1).max(1000).describe('Largest size.'),
    mode: z
      .enum(AUTOSCALE_MODES)
      .default('on')
      .describe('`only-out`: never smaller. `off`: only says what it would do.'),
    interval: duration({ least: 1000 }).prefault('10s').describe('Between two decisions.'),
    policy: z
      .enum(Object.keys(POLICIES) as [PolicyName, ...PolicyName[]])
      .default('target')
      .describe(
        '`target` keeps what served the peak of the last minutes, as the autoscaler of Google Compute Engine does; `hpa` is the arithmetic of Kubernetes.',
      ),
    signal: z.array(signalSchema).default([]).describe('What is looked at; the one that wants most decides.'),
    schedule: z.array(scheduleSchema).default([]).describe('Least sizes by the time of the week.'),
    target: z
      .strictObject({
        stabilization: duration()
          .prefault('10m')
          .describe('How far back the peak counts. Ten minutes, as in Compute Engine: loads come back.'),
        initialization: duration()
          .prefault('60s')
          .describe(
            'For so long after its start nothing grows because of an instance: it is busy with itself.',
          ),
        scaleIn: z
          .strictObject({
            most: z
              .number()
              .gt(0)
              .describe(
                'Of the largest size of the window so many instances may go, or below 1 such a share.',
              ),
            window: duration().prefault('10m').describe('The window.'),
          })
          .optional()
          .describe('How fast it shrinks. Left out: at once to what is needed.'),
      })
      .prefault({})
      .describe('For the policy `target`.'),
    hpa: z
      .strictObject({
        tolerance: z
          .number()
          .min(0)
          .max(1)
          .default(0.1)
          .describe('How far the ratio to the target may be from 1 before anything happens.'),
        out: directionSchema('0s', OUT_RATES).describe(
          'Growing: at once, four more or twice as many in 15 s.',
        ),
        in: directionSchema('5m', IN_RATES).describe('Shrinking: by the highest proposal of five minutes.'),
      })
      .prefault({})
      .describe('For the policy `hpa`; defaults are those of Kubernetes.'),
  })
  .refine(({ min, max }) => min <= max, { error: 'expected `max` to be `min` at least', path: ['max'] })
  .refine(({ signal, schedule }) => signal.length + schedule.length > 0, {
    error: 'expected a `signal` or a `schedule` to go by',
  });

function isTimeZone(name: string): boolean {
  try {
    weekMinute(0, name);
    return true;
  } catch {
    return false;
  }
}
