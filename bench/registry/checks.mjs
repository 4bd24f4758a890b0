// @ts-check
// Many HTTP checks on one core: whether each is carried out in its time, what that costs, and whether memory stays.
import http from 'node:http';
import { inRoot } from '../../scripts/support/paths.mjs';
import { pause, start, until } from '../../scripts/support/processes.mjs';
import { say } from '../../scripts/support/say.mjs';
import { put, send, startAgent } from '../agent.mjs';
import { cpuTime, memory } from '../cpu.mjs';
import { rounded, table } from '../figures.mjs';
import { numberOption } from '../options.mjs';
import { CLIENT_CPU, SUBJECT_CPU } from './places.mjs';

/** Share of the core that leaves room for what else an agent does. */
const MOST_OF_CORE = 0.7;
/** A check comes late when it comes so much after its interval, as a share of it. */
const LATE = 0.1;
/**
 * So much more may be resident at the end than after a third of the time, in MB, each after a collection that was asked for: V8 lets garbage that
 * survived the young generation lie until it is some times what lives, so that memory rises for a minute or more, falls, and rises again.
 */
const GROWTH = 10;
/** How long it may take until its pages are given back, ms. */
const SETTLED = 2_000;

/** @param {Record<string, string>} chosen @returns {Promise<import('./places.mjs').Part>} */
export async function checks(chosen) {
  const [count, interval, minutes] = [
    numberOption(chosen, 'checks'),
    numberOption(chosen, 'interval'),
    numberOption(chosen, 'minutes'),
  ];
  const target = start(process.execPath, [inRoot('bench', 'registry', 'healthy.mjs')], { cpu: CLIENT_CPU });
  const flags = ['--expose-gc', '--import', inRoot('bench', 'registry', 'collect.mjs')];
  const ours = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU, flags });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const ask = async () => JSON.parse((await send(agent, 'GET', `http://${address}/figures`)).text);
  let address = '';
  try {
    address = await until('the healthy server', () => /LISTENING (\S+)/.exec(target.output())?.[1], {
      program: target,
    });
    say('bench', `registering ${count} http checks …`);
    let next = 0;
    const work = async () => {
      for (let i = next++; i < count; i = next++)
        await put(
          agent,
          `http://${ours.api}/v1/agent/service/register`,
          JSON.stringify({
            ID: `checked-${i}`,
            Name: `checked-${i % 100}`,
            Port: 8000,
            Check: { HTTP: `http://${address}/check/${i}`, Interval: `${interval}s`, Timeout: '5s' },
          }),
        );
    };
    await Promise.all(Array.from({ length: 16 }, work));
    // Spread over the interval after the first two of each.
    await pause(interval * 2_500);
    await ask();
    const pids = ours.program.family();
    const pid = pids.at(0) ?? ours.program.pid;
    /** @type {{ share: number, perSecond: number, rss: number, late: number, worst: number }[]} */
    const spans = [];
    const span = Math.max(interval * 1000, 20_000);
    /** @type {number[]} */
    const lives = [];
    const collect = async () => {
      process.kill(pid, 'SIGWINCH');
      await pause(SETTLED);
      lives.push(memory(pid).rss);
      await ask();
    };
    const first = Math.floor((minutes * 60_000) / span / 3);
    for (let at = 0; at < minutes * 60_000; at += span) {
      if (spans.length === first) await collect();
      const [before, began] = [cpuTime(pids), performance.now()];
      await pause(span);
      const ms = performance.now() - began;
      const { hits, gaps } = await ask();
      spans.push({
        share: (cpuTime(pids) - before) / 1000 / ms,
        perSecond: (hits / ms) * 1000,
        rss: memory(pid).rss,
        late: gaps.filter((/** @type {number} */ gap) => gap > interval * 1000 * (1 + LATE)).length,
        worst: Math.max(...gaps),
      });
    }
    await collect();
    const critical = JSON.parse(
      (await send(agent, 'GET', `http://${ours.api}/v1/health/state/critical`)).text,
    ).length;
    const rows = spans.map((one, i) => [
      `${Math.round(((i + 1) * span) / 1000)} s`,
      one.perSecond,
      one.share * 100,
      one.rss,
      String(one.late),
      one.worst / 1000,
    ]);
    const head = [
      `${count} http checks every ${interval} s`,
      'per second',
      '% of a core',
      'resident MB',
      'late',
      'longest gap s',
    ];
    process.stdout.write(`${table(head, rows)}\n\n`);
    const share = Math.max(...spans.map((one) => one.share));
    const most = Math.max(...spans.map(({ rss }) => rss));
    const [early = 0, atEnd = 0] = [lives[0], lives.at(-1)];
    const growth = atEnd - early;
    const late = spans.reduce((sum, one) => sum + one.late, 0);
    const due = count / interval;
    const perSecond = Math.min(...spans.map((one) => one.perSecond));
    const what = `${count} http checks every ${interval} s`;
    return {
      figures: { spans, critical, lives },
      isRight: critical === 0,
      verdicts: [
        {
          what: `${what}, on one core`,
          reach: `${rounded(due)}/s, none late`,
          reached: `${rounded(perSecond)}/s, ${late} late, ${rounded(share * 100)} % of the core`,
          isReached: late === 0 && share <= MOST_OF_CORE,
          beside: '',
        },
        {
          what: `${what}, memory`,
          reach: 'does not grow',
          reached: `${rounded(most)} MB at most; collected ${rounded(early)} MB after a third of ${rounded(minutes)} min, ${rounded(atEnd)} MB at the end`,
          isReached: growth < GROWTH,
          beside: '',
        },
      ],
    };
  } finally {
    agent.destroy();
    await ours.stop();
    await target.kill();
  }
}
