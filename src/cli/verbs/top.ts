import type { ChangeLine, ProblemView, ServiceView, TrafficView } from '../../api/muster/wire.ts';
import { MusterError } from '../../errors.ts';
import { sleep, wakefulClock } from '../../lib/clock.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { ms } from '../load/text.ts';
import { many } from '../many.ts';
import { JSON_FLAG, json } from '../output.ts';
import { printable } from '../printable.ts';
import { verb } from '../verb.ts';

type Figures = Omit<TrafficView, 'key'> | null;

/** Of `GET /v1/muster/overview`. */
interface Overview {
  readonly at: number;
  readonly traffic: Figures;
  readonly services: readonly (Omit<ServiceView, 'key'> & { readonly traffic: Figures })[];
  readonly changes: readonly ChangeLine[];
  readonly problems: readonly ProblemView[];
}

/** Of the last changes so many stand below. */
const CHANGES = 5;
/** Clears the screen and goes to its corner. */
const AGAIN = '\u001b[2J\u001b[H';

export const top = verb({
  args: [],
  examples: [{ command: 'muster top' }, { command: 'muster top -once', does: 'one look, for a script' }],
  flags: {
    ...CONNECTION_FLAGS,
    ...JSON_FLAG,
    once: { kind: 'boolean', summary: 'One look, then the end.' },
    every: { kind: 'duration', summary: 'Time between two looks.', default: '1s' },
    lines: { kind: 'integer', summary: 'How many services.', default: '20' },
  },
  async run({ flags, terminal }) {
    const client = connect(flags, terminal);
    const { once = false, every = 1000, lines = 20 } = flags;
    for (const [name, value] of Object.entries({ every, lines }))
      if (value <= 0) throw new MusterError('usage', `-${name} has to be above 0`);
    // What goes into a file or to another program is no screen.
    let before = terminal.isScreen && !once ? AGAIN : '';
    const ended = new AbortController();
    const end = (): void => ended.abort();
    process.once('SIGINT', end);
    try {
      while (!ended.signal.aborted) {
        const { value } = await client.read<Overview>('/v1/muster/overview');
        if (flags.json) terminal.out(json(value));
        else terminal.out(`${before}${picture(value, lines)}`);
        before = terminal.isScreen ? AGAIN : '\n';
        if (once || flags.json) return;
        await sleep(wakefulClock, every, ended.signal);
      }
    } finally {
      process.off('SIGINT', end);
    }
  },
});

function picture({ at, traffic, services, changes, problems }: Overview, lines: number): string {
  const out = services.reduce((sum, { instances, states }) => sum + instances - (states.passing ?? 0), 0);
  const head = `${new Date(at).toLocaleTimeString('en-GB')}  ${rate(traffic?.requests)} requests/s, ${rate(traffic?.errors)} errors/s, p99 ${time(traffic?.p99)}, ${many(out, 'instance')} out\n\n`;
  const rows = services
    .toSorted((a, b) => (b.traffic?.requests ?? 0) - (a.traffic?.requests ?? 0) || (a.name < b.name ? -1 : 1))
    .slice(0, lines)
    .map(({ name, instances, states, traffic: own }) => [
      name,
      rate(own?.requests),
      rate(own?.errors),
      String(own?.inFlight ?? 0),
      time(own?.p50),
      time(own?.p99),
      `${states.passing ?? 0}/${instances}`,
      Object.entries(states)
        .filter(([state]) => state !== 'passing')
        .map(([state, count]) => `${count} ${state}`)
        .join(', '),
    ]);
  const table = columns([
    ['Service', 'Requests/s', 'Errors/s', 'In flight', 'p50', 'p99', 'Passing', 'Out'],
    ...rows,
  ]);
  const news = changes
    .slice(0, CHANGES)
    .map(({ at: when, text }) => `${new Date(when).toLocaleTimeString('en-GB')}  ${printable(text)}\n`);
  const trouble = problems.map(({ place, message }) => `! ${printable(`${place}: ${message}`)}\n`);
  return `${head}${table}${trouble.length > 0 ? `\n${trouble.join('')}` : ''}${news.length > 0 ? `\n${news.join('')}` : ''}`;
}

function rate(value = 0): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function time(value: number | null = null): string {
  return value === null ? '-' : `${ms(value)} ms`;
}
