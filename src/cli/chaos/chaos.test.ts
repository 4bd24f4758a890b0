import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { missingPrograms } from '../../../scripts/support/system-packages.mjs';
import { seeded } from '../../lib/seeded.ts';
import { soon } from '../../lib/soon.test-support.ts';
import { tell } from '../verbs/chaos.ts';
import { chaosChart } from './chart.ts';
import { matchOf } from './faults/cut.ts';
import { FAULTS } from './faults/kinds.ts';
import { endsIn, socketsOfGroup } from './faults/sockets.ts';
import { type Rule, readPlan } from './plan.ts';
import { reportOf, reportText } from './report.ts';
import { type Candidate, scheduleOf, victimOf } from './schedule.ts';

const rule = (over: Partial<Rule> = {}): Rule => ({
  kind: 'kill',
  groups: [],
  every: 1_000,
  first: undefined,
  for: 2_000,
  spare: 1,
  ...over,
});

describe('the schedule', () => {
  const rules = fc.array(
    fc.record({
      every: fc.integer({ min: 100, max: 20_000 }),
      first: fc.option(fc.nat(20_000), { nil: undefined }),
    }),
    { maxLength: 4 },
  );

  it('is the same for the same seed, in order, and within its time', () => {
    fc.assert(
      fc.property(rules, fc.nat(), fc.integer({ min: 1, max: 60_000 }), (list, seed, length) => {
        const all = list.map((one) => rule(one));
        const steps = scheduleOf(all, length, seeded(seed));
        expect(scheduleOf(all, length, seeded(seed))).toEqual(steps);
        expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).toSorted((a, b) => a - b));
        expect(steps.every(({ at, draw }) => at >= 0 && at < length && draw >= 0 && draw < 1)).toBe(true);
      }),
    );
  });

  it('brings each fault about as often as the plan says', () => {
    for (let seed = 0; seed < 50; seed++)
      expect(scheduleOf([rule({ every: 1_000 })], 60_000, seeded(seed)).length).toBeGreaterThan(49);
  });
});

describe('a victim', () => {
  const candidate = fc.record({
    group: fc.constantFrom('a', 'b', 'c'),
    instance: fc.constantFrom('1', '2', '3', '4', '5', '6'),
    pid: fc.option(fc.integer({ min: 2, max: 9_999 }), { nil: undefined }),
    ready: fc.boolean(),
  });
  const crowd = fc.uniqueArray(candidate, { selector: ({ instance }) => instance });

  it('is well, not hurt yet, of the groups that are meant, and never the last that is to be spared', () => {
    fc.assert(
      fc.property(
        crowd,
        fc.uniqueArray(fc.constantFrom<string>('1', '2', '3')),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(2),
        fc.constantFrom<string[]>([], ['a'], ['a', 'b']),
        (all: Candidate[], hurt, draw, spare, groups) => {
          const shared = new Set(['a', 'c']);
          const found = victimOf({ rule: rule({ groups, spare }), draw }, all, {
            hurt: new Set(hurt),
            shared,
          });
          if (found === undefined) return;
          expect(found.ready && found.pid !== undefined && !hurt.includes(found.instance)).toBe(true);
          expect(groups.length > 0 ? groups : [...shared]).toContain(found.group);
          const tier = groups.length > 0 ? groups : [found.group];
          const left = all.filter(
            (one) => tier.includes(one.group) && one.ready && !hurt.includes(one.instance) && one !== found,
          );
          expect(left.length).toBeGreaterThanOrEqual(spare);
        },
      ),
    );
  });
});

describe('a plan', () => {
  it('without a word is whole', () => {
    const plan = readPlan(undefined);
    expect(plan.fault.map(({ kind }) => kind)).toEqual(['kill', 'pause', 'slow', 'cut']);
    expect(plan.load).toEqual([{ rate: 100, for: 30_000 }]);
  });

  it('is refused with the place of everything that is wrong', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-plan-'));
    try {
      const file = path.join(folder, 'p.chaos.toml');
      fs.writeFileSync(
        file,
        'sed = 1\n[[fault]]\nkind = "kil"\nevery = "1s"\n[[fault]]\nkind = "kill"\nevery = "soon"\n',
      );
      expect(() => readPlan(file)).toThrow(
        [
          `${file}:1:1: unknown key "sed"; did you mean "seed"?`,
          `${file}:3:8: fault[0].kind: expected one of "kill", "pause", "slow", "cut", "roll", got "kil"; did you mean "kill"?`,
          `${file}:7:9: fault[1].every: expected a duration such as "10s" or "1m30s", got "soon"`,
        ].join('\n'),
      );
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it.each(['internal-lb'])('of the stack %s can be read', (name) => {
    expect(
      readPlan(path.join(import.meta.dirname, `../../../stacks/${name}.chaos.toml`)).fault.length,
    ).toBeGreaterThan(0);
  });
});

describe('the report', () => {
  const kept = { seed: 1, url: 'http://x/', events: [], skipped: {}, sizes: new Map() };
  const sizes = new Map([
    ['alone', [{ at: 0, size: 1, ready: 1 }]],
    [
      'a',
      [
        { at: 0, size: 2, ready: 2 },
        { at: 900, size: 5, ready: 2 },
        { at: 2_400, size: 6, ready: 2 },
      ],
    ],
  ]);

  it('counts every request once, and shows what happened when', () => {
    const sample = fc.record({
      at: fc.double({ min: 0, max: 9_999, noNaN: true }),
      latency: fc.double({ min: 0.1, max: 500, noNaN: true }),
      failure: fc.option(fc.constantFrom('new connection closed', 'status 503'), { nil: undefined }),
      again: fc.record({ refused: fc.nat(2), closed: fc.nat(2) }),
    });
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const report = reportOf({ ...kept, length: 10_000, samples });
        expect(report.timeline.reduce((sum, { requests }) => sum + requests, 0)).toBe(samples.length);
        expect(report.timeline.reduce((sum, { failed }) => sum + failed, 0)).toBe(report.failed);
        expect(Object.values(report.failures).reduce((sum, one) => sum + one, 0)).toBe(report.failed);
        expect(reportText(report)).not.toContain('NaN');
      }),
    );
  });

  it('reads as a timeline', () => {
    const samples = [0, 500, 1_500].map((at) => ({
      at,
      latency: 4,
      failure: at === 500 ? 'new connection closed' : undefined,
      again: { refused: at === 0 ? 2 : 0, closed: 1 },
    }));
    const event = {
      at: 600,
      kind: 'kill',
      group: 'a',
      target: 'a-1',
      words: 'a-1 is killed',
      lasted: 0,
      wholeAfter: 820,
    };
    expect(reportText(reportOf({ ...kept, seed: 3, length: 2_000, samples, events: [event], sizes }))).toBe(
      `  from  requests                                    slowest  what happened
   0 s  ████████████xxxxxxxxxxxx       2  1 failed  4.0 ms   a-1 is killed
   1 s  ████████████                   1            4.0 ms

Requests     3, failed 1
Latency      p50 4.0 ms, p99 4.0 ms, max 4.0 ms
Tried again  2 at the next address when one refused, 3 when a kept connection was closed
Sizes        a 2 to 5
Faults       1 (seed 3)
Whole again  after 820 ms at the latest

Failures
  new connection closed:  1
`,
    );
  });
});

describe('the chart', () => {
  it('that cannot be written does not take the report with it', async () => {
    const report = reportOf({
      ...{ seed: 1, url: 'http://x/', length: 1_000, samples: [], events: [], skipped: {} },
      sizes: new Map(),
    });
    let told = '';
    const out = (text: string) => {
      told += text;
    };
    const svg = path.join(os.tmpdir(), 'muster-no-such-folder', 'chart.svg');
    await expect(tell(report, { svg }, { out })).rejects.toThrow(`cannot write ${svg}`);
    expect(told).toMatch(/Requests +0, failed 0/);
  });

  it('has a plot for each group with the load, its sizes and what was done to it', () => {
    const again = { refused: 0, closed: 0 };
    const samples = [0, 100, 1_500].map((at) => ({
      at,
      latency: 1,
      failure: at > 0 ? 'x' : undefined,
      again,
    }));
    const event = { at: 500, kind: 'kill', group: 'b', target: 'b-1', words: '', lasted: 0, wholeAfter: 1 };
    const sizes = new Map(
      ['a', 'b'].map((name) => [
        name,
        [
          { at: 0, size: 2, ready: 2 },
          { at: 1_000, size: 4, ready: 3 },
        ],
      ]),
    );
    const chart = chaosChart(
      reportOf({
        seed: 1,
        url: 'http://x/',
        length: 2_000,
        samples,
        events: [event],
        skipped: {},
        sizes,
      }),
    );
    const counted = (part: string) => chart.split(part).length - 1;
    expect(chart).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(chart).not.toMatch(/NaN|undefined|Infinity/);
    expect(['class="load"', 'class="size"', 'class="ready"'].map(counted)).toEqual([2, 2, 2]);
    expect(counted('class="hit"')).toBe(1);
    // Both seconds had failures, in both plots.
    expect(counted('class="refused"')).toBe(4);
    // From 2 of 4 in the middle to 4 of 4 at the top, and there until the end.
    expect(chart).toContain('<path class="size" d="M56.0,154.0H480.0V64.0H904.0V64.0"/>');
  });
});

describe('sockets', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0108007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0000000000000000 100 0 0 10 0
`;
  const six = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 33 1 0
   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 44 1 0
`;

  it("are read out of the kernel's tables", () => {
    expect(endsIn(table, new Set(['11', '22']))).toEqual([
      { family: 4, address: '127.0.8.1', port: 8080 },
      { family: 4, address: '0.0.0.0', port: 80 },
    ]);
    expect(endsIn(six, new Set(['33', '44']))).toEqual([
      { family: 4, address: '127.0.0.1', port: 80 },
      { family: 6, address: '::1', port: 81 },
    ]);
    expect(endsIn(table, new Set(['33']))).toEqual([]);
  });

  it('become rules for both ways', () => {
    expect(matchOf({ family: 4, address: '127.0.8.1', port: 80 })).toEqual([
      'meta l4proto { tcp, udp } ip daddr 127.0.8.1 th dport 80',
      'meta l4proto { tcp, udp } ip saddr 127.0.8.1 th sport 80',
    ]);
    expect(matchOf({ family: 6, address: '::', port: 80 })[0]).toBe('meta l4proto { tcp, udp } th dport 80');
  });
});

describe.skipIf(process.platform !== 'linux')('faults', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const { pid } of children.splice(0)) {
      try {
        process.kill(-(pid as number), 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  });
  /** Listens, and counts on standard output for as long as it runs. */
  const start = async () => {
    const script = `require('net').createServer().listen(0, '127.0.0.1'); setInterval(() => process.stdout.write('.'), 5)`;
    const child = spawn(process.execPath, ['-e', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    let count = 0;
    child.stdout?.on('data', (data: Buffer) => {
      count += data.length;
    });
    await soon(() => expect(count).toBeGreaterThan(0));
    return { child, count: () => count, victim: { group: 'g', instance: 'g-1', pid: child.pid as number } };
  };
  const stateOf = (pid: number) => {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  };

  it('kill', async () => {
    const { child, victim } = await start();
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    await (await FAULTS.kill.begin(victim))();
    expect(await ended).toBe('SIGKILL');
  });

  it('pause, and nothing is left of it', async () => {
    const { victim, count } = await start();
    const undo = await FAULTS.pause.begin(victim);
    await soon(() => expect(stateOf(victim.pid)).toBe('T'));
    await undo();
    const before = count();
    await soon(() => expect(count()).toBeGreaterThan(before));
  });

  it('slow: it runs, and stands still in between, until it is undone', async () => {
    const { victim, count } = await start();
    const undo = await FAULTS.slow.begin(victim);
    const before = count();
    await soon(() => expect(stateOf(victim.pid)).toBe('T'));
    await soon(() => expect(count()).toBeGreaterThan(before));
    await undo();
    await soon(() => expect(stateOf(victim.pid)).not.toBe('T'));
  });

  it('an instance that is gone is no error', async () => {
    const gone = { group: 'g', instance: 'g-1', pid: 2 ** 22 - 1 };
    for (const fault of [FAULTS.kill, FAULTS.pause, FAULTS.slow]) await (await fault.begin(gone))();
    expect(await socketsOfGroup(gone.pid)).toEqual([]);
  });

  it('finds the sockets of a process', async () => {
    const { victim } = await start();
    await soon(async () =>
      expect(await socketsOfGroup(victim.pid)).toEqual([
        { family: 4, address: '127.0.0.1', port: expect.any(Number) },
      ]),
    );
  });

  it('cut: what is sent to it is dropped, and comes through when it is mended', async (context) => {
    missingPrograms('nft');
    const why = await FAULTS.cut.impossible?.();
    context.skip(why !== undefined, why);
    const { victim } = await start();
    let port = 0;
    await soon(async () => {
      port = (await socketsOfGroup(victim.pid))[0]?.port ?? 0;
      expect(port).toBeGreaterThan(0);
    });
    const connects = (ms: number) => connectTo(port, ms);
    expect(await connects(5_000)).toBe('connected');
    const undo = await FAULTS.cut.begin(victim);
    expect(await connects(300)).toBe('silence');
    await undo();
    expect(await connects(5_000)).toBe('connected');
  });
});

function connectTo(port: number, ms: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (how: string) => {
      socket.destroy();
      resolve(how);
    };
    socket.setTimeout(ms, () => end('silence'));
    socket.once('connect', () => end('connected'));
    socket.once('error', (error) => end(error.message));
  });
}
