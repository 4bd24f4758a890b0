import { isMusterError, MusterError } from '../../errors.ts';
import type { Flags, FlagValues } from '../flags.ts';
import { untilInterrupted } from '../interrupt.ts';
import { JSON_FLAG, json, writeResult } from '../output.ts';
import { type Terminal, verb } from '../verb.ts';

const flags = {
  plan: { kind: 'string', value: 'FILE', summary: 'The plan.', default: 'NAME.chaos.toml beside the stack' },
  seed: { kind: 'integer', summary: 'Another run of the same plan; the same one happens again.' },
  duration: { kind: 'duration', summary: 'How long, at one rate.', default: '30s, or as the plan says' },
  rate: { kind: 'number', summary: 'Requests a second.', default: '100, or as the plan says' },
  url: { kind: 'string', value: 'URL', summary: 'Where they go.', default: "the stack's first route" },
  agent: {
    kind: 'list',
    value: 'HOST:PORT',
    summary: 'An agent that runs groups; with it a stack that is up already is taken, and none started.',
  },
  output: { kind: 'string', value: 'FILE', summary: 'Gets what the stack prints.' },
  svg: {
    kind: 'string',
    value: 'FILE',
    summary: 'Gets a chart: how large groups were, and the load.',
  },
  ...JSON_FLAG,
} as const satisfies Flags;

export const chaos = verb({
  about:
    'A plan says which faults come how often and on which groups; without one, every group with more than one instance is hit. Who is hit when is decided by the seed. The last instance that is well is spared. Cutting off needs nftables and root; where that cannot be, it is left out and said. Clients do what browsers do, and the report says how often: an address that refuses leads to the next one of the name, a kept connection that is closed before an answer began to another one. Exits with 1 when a request failed or the stack was not whole again within a minute. Ctrl-C ends it early, with the report so far; whatever was done is undone.',
  args: ['[STACK]'],
  examples: [
    { command: 'muster chaos stacks/hello.toml -seed 7' },
    {
      command: 'muster chaos stacks/internal-lb.toml',
      does: 'with the plan that lies beside it: balancers and backends killed while the load triples',
    },
    {
      command: 'muster chaos -agent 127.0.0.1:8500 -url http://127.0.0.1:9999/hello/api/v1 -duration 5m',
      does: 'on a stack that is up',
    },
  ],
  flags,
  async run({ flags, args: [stack], terminal }) {
    const { planBeside, readPlan } = await import('../chaos/plan.ts');
    const plan = withFlags(
      readPlan(flags.plan ?? (stack === undefined ? undefined : planBeside(stack))),
      flags,
    );
    const { targetOf } = await import('../chaos/target.ts');
    const isUp = flags.agent !== undefined;
    if (stack === undefined && !isUp)
      throw new MusterError('usage', 'name the file of a stack, or with -agent the agents of one that is up');
    const { url, clients } = targetOf(stack, plan, terminal.env);
    const { StackGroups } = await import('../chaos/groups.ts');
    const { runChaos, untilReady } = await import('../chaos/run.ts');
    const { startStack } = await import('../chaos/stack.ts');
    const say = (text: string): void => terminal.err(text);
    // A stack that is up has agents that answer; those of one that is to be started come later.
    if (isUp) await Promise.all(clients.map((client) => client.read('/v1/muster/groups')));
    return untilInterrupted(async (signal) => {
      const options = { plan, url, groups: new StackGroups(clients), signal, say };
      if (stack !== undefined && !isUp) say(`starting ${stack}\n`);
      const running = stack === undefined || isUp ? undefined : startStack(stack, flags.output);
      try {
        const ended = running === undefined ? [] : [running.ended];
        await Promise.race([untilReady(options), ...ended]);
        say(`all is there; ${text(plan)} to ${url.href}\n`);
        const report = await Promise.race([runChaos(options), ...ended]);
        return await tell(report, flags, terminal);
      } catch (error) {
        if (!signal.aborted || isMusterError(error)) throw error;
        say('ended before the load began\n');
        return 1;
      } finally {
        await running?.stop();
      }
    });
  },
});

type Plan = import('../chaos/plan.ts').Plan;
type Report = import('../chaos/report.ts').Report;

function withFlags(plan: Plan, { seed, duration, rate, url, agent }: FlagValues<typeof flags>): Plan {
  for (const [name, value] of Object.entries({ duration, rate }))
    if (value !== undefined && value <= 0) throw new MusterError('usage', `-${name} has to be above 0`);
  const [first = { rate: 100, for: 30_000 }] = plan.load;
  const isFlat = duration !== undefined || rate !== undefined;
  return {
    ...plan,
    ...(seed === undefined ? {} : { seed }),
    ...(url === undefined ? {} : { url }),
    ...(agent === undefined ? {} : { agents: agent.flatMap((one) => one.split(',')) }),
    ...(isFlat ? { load: [{ rate: rate ?? first.rate, for: duration ?? first.for }] } : {}),
  };
}

function text({ load, seed }: Plan): string {
  return `seed ${seed}, ${load.map(({ rate, for: length }) => `${rate} requests a second for ${length / 1_000} s`).join(', then ')}`;
}

/** The report, then the chart: where that cannot be written, what was seen is not lost. */
export async function tell(
  report: Report,
  { json: asJson, svg }: { json?: boolean; svg?: string },
  terminal: Pick<Terminal, 'out'>,
): Promise<number> {
  const { reportText } = await import('../chaos/report.ts');
  terminal.out(asJson ? json(report) : `\n${reportText(report)}`);
  if (svg !== undefined) {
    const { chaosChart } = await import('../chaos/chart.ts');
    await writeResult(svg, chaosChart(report));
  }
  const isWell = report.failed === 0 && report.requests > 0;
  return isWell && report.events.every(({ wholeAfter }) => wholeAfter !== undefined) ? 0 : 1;
}
