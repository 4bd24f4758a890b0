import { fileTrouble, MusterError } from '../../errors.ts';
import type { AutoscaleSpec } from '../../group/autoscale/spec.ts';
import { columns } from '../columns.ts';
import type { Flags, FlagValues } from '../flags.ts';
import { count } from '../load/text.ts';
import { JSON_FLAG, json, writeResult } from '../output.ts';
import { verb } from '../verb.ts';

const flags = {
  trace: {
    kind: 'string',
    value: 'FILE',
    summary: 'The load: a line "time,requests per second" for each change; - is standard input.',
  },
  group: { kind: 'string', value: 'NAME', summary: 'Which group of the file, when it has several.' },
  capacity: {
    kind: 'number',
    summary: 'Requests a second that one instance is able to answer; what is beyond is refused.',
    default: '1.25 times what it is meant to carry',
  },
  work: { kind: 'duration', summary: 'How long a request takes.', default: '20ms' },
  boot: { kind: 'duration', summary: 'From the start of an instance to its first request.', default: '30s' },
  min: { kind: 'integer', summary: 'Least size, in place of what the file says.' },
  max: { kind: 'integer', summary: 'Largest size.' },
  target: { kind: 'number', summary: 'Requests a second that one instance is meant to carry.' },
  policy: { kind: 'string', choices: ['target', 'hpa'], summary: 'Policy.' },
  svg: { kind: 'string', value: 'FILE', summary: 'Writes the chart there too.' },
  ...JSON_FLAG,
} as const satisfies Flags;

export const groupSimulate = verb({
  about:
    'The autoscaler is the very code that runs in production, with the time of the trace; instances are numbers: they start, carry up to their capacity and refuse the rest. A day in steps of ten seconds takes less than a second.',
  args: ['[STACK]'],
  examples: [
    {
      command: 'muster group simulate stacks/internal-lb.toml -group backend -trace day.csv -capacity 120',
      does: 'a group of a stack',
    },
    {
      command: 'muster group simulate -trace day.csv -min 2 -max 20 -target 100 -svg day.svg',
      does: 'without a file',
    },
  ],
  flags,
  async run({ flags, args: [file], terminal }) {
    if (flags.trace === undefined) throw new MusterError('usage', 'give the load with -trace FILE');
    const { parseTrace } = await import('../../group/autoscale/trace.ts');
    const { simulate } = await import('../../group/autoscale/simulate.ts');
    const { createAutoscaler } = await import('../../group/autoscale/spec.ts');
    const { svgChart, terminalChart } = await import('../simulate/chart.ts');
    const { spec, size } = await policyOf(file, flags);
    const trace = parseTrace(await read(flags.trace, terminal.stdin), flags.trace);
    const byRequests = spec.signal.find(({ kind }) => kind === 'requests_per_second')?.target;
    const each = byRequests ?? (flags.capacity === undefined ? undefined : flags.capacity / 1.25);
    if (each === undefined)
      throw new MusterError(
        'usage',
        'no signal counts requests, so say with -capacity how many a second one instance is able to answer',
      );
    const result = simulate({
      trace,
      autoscaler: createAutoscaler(spec),
      signals: spec.signal,
      interval: spec.interval,
      capacity: flags.capacity ?? each * 1.25,
      boot: flags.boot ?? 30_000,
      work: flags.work ?? 20,
      size: Math.min(spec.max, Math.max(spec.min, size)),
    });
    if (flags.svg !== undefined) await writeResult(flags.svg, svgChart(result, each));
    if (flags.json) {
      terminal.out(json(result));
      return;
    }
    const share = result.offered === 0 ? 0 : (result.refused / result.offered) * 100;
    terminal.out(terminalChart(result, each));
    terminal.out(
      `\n${columns([
        [
          'Instances',
          `${result.smallest} to ${result.largest}, ${result.instanceHours.toFixed(1)} instance hours`,
        ],
        [
          'Requests',
          `${count(Math.round(result.offered))}, refused ${count(Math.round(result.refused))} (${share.toFixed(2)} %)`,
        ],
        ['Changes', String(result.decisions.length)],
      ])}`,
    );
  },
});

/** The policy of a group of a stack file, or one from flags alone; flags win. */
async function policyOf(
  file: string | undefined,
  values: FlagValues<typeof flags>,
): Promise<{ spec: AutoscaleSpec; size: number }> {
  const { autoscaleSchema } = await import('../../agent/config/autoscale.ts');
  const { min, max, target, policy } = values;
  const given = {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(policy === undefined ? {} : { policy }),
    ...(target === undefined ? {} : { signal: [{ kind: 'requests_per_second' as const, target }] }),
  };
  if (file === undefined) {
    if (max === undefined || target === undefined)
      throw new MusterError('usage', 'name a stack file, or give -max and -target');
    const parsed = autoscaleSchema.safeParse(given);
    if (!parsed.success)
      throw new MusterError('usage', parsed.error.issues.map(({ message }) => message).join('; '));
    return { spec: parsed.data, size: parsed.data.min };
  }
  const { readConfig, readConfigFile } = await import('../../agent/config/read.ts');
  const scaled = readConfig([readConfigFile(file)]).group.filter(({ autoscale }) => autoscale !== undefined);
  const named = values.group === undefined ? scaled : scaled.filter(({ name }) => name === values.group);
  const [group] = named;
  const names = scaled.map(({ name }) => name).join(', ');
  if (group?.autoscale === undefined)
    throw new MusterError(
      'usage',
      scaled.length === 0
        ? `no group of ${file} has a [group.autoscale]`
        : `no group ${values.group} with autoscaling in ${file}; there are: ${names}`,
    );
  if (named.length > 1) throw new MusterError('usage', `say which group with -group: ${names}`);
  const spec = { ...group.autoscale, ...given };
  if (spec.min > spec.max) throw new MusterError('usage', `-min ${spec.min} is above -max ${spec.max}`);
  return { spec, size: group.replicas };
}

async function read(file: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (file === '-') {
    const { text } = await import('node:stream/consumers');
    return text(stdin);
  }
  const { readFile } = await import('node:fs/promises');
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new MusterError('request.invalid', `cannot read the trace ${file}: ${fileTrouble(error)}`);
  });
}
