import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Environment, openEnvironment } from './environment.ts';
import { readPayload } from './log-payload.ts';
import { buildStorm } from './storm.test-support.ts';
import { recordsOf } from './wal.ts';

const root = mkdtempSync(join(tmpdir(), 'muster-environment-'));
let program: Awaited<ReturnType<typeof buildStorm>>;
let folders = 0;
const folder = () => mkdtempSync(join(root, `${folders++}-`));

/** So small that the log turns all the time. */
const logBytes = 4096;

beforeAll(async () => {
  // A process of its own that counts up some rows as fast as it can, each write several of them, and tells what was acknowledged.
  program = await buildStorm(
    'environment-storm',
    import.meta.url,
    `
      import { openEnvironment } from './environment.ts';
      const environment = openEnvironment(process.argv[2], { logBytes: ${logBytes} });
      const from = Number(environment.row('t', 'count') ?? 0);
      for (let i = from + 1; ; i++) {
        const text = String(i);
        await environment.write([
          { table: 't', key: 'count', text },
          { table: 't', key: 'row-' + (i % 50), text: text + 'x'.repeat(i % 300) },
          { table: 'u', key: 'row-' + ((i - 1) % 50), text: undefined },
          { table: 'u', key: 'row-' + (i % 50), text },
        ]);
        // Told before the next one: what waits in here would be lost.
        await new Promise((told) => process.send(i, told));
      }`,
  );
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  program?.remove();
});

const rows = (environment: Environment, table = 't') => [...environment.rows(table)];

/** Kilobytes of the data file in `path` that count as this process's memory. */
function mapped(path: string): number {
  const maps = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const own = maps.filter((one) => one.split('\n', 1)[0]?.endsWith(`${path}/data.mdb`));
  return own.reduce((sum, one) => sum + Number(/^Rss:\s+(\d+)/m.exec(one)?.[1]), 0);
}

// The process ended of a promise that LMDB rejects and nobody has.
it.each([
  ['one row at a time', 1, 50_000, 262_144],
  // Taken over in several parts, of which one is the first that finds no room.
  ['many rows at a time', 200, 250, 1_048_576],
])(
  'goes on reading, and refuses writes in words, when the data file cannot grow: %s',
  async (_, many, size, logBytes) => {
    const program = await buildStorm(
      `environment-full-${many}`,
      import.meta.url,
      `
      import { openEnvironment } from './environment.ts';
      import { createLogger } from '../lib/log.ts';
      const lines = [];
      const log = createLogger({ level: 'info', sink: ({ level, message, fields }) => lines.push([level, message, fields.why].join(' ')) });
      const environment = openEnvironment(process.argv[2], { logBytes: ${logBytes}, log });
      let written = 0;
      let failure = '';
      while (failure === '' && written < 100000)
        await environment.write(
          Array.from({ length: ${many} }, (_, i) => ({ table: 't', key: 'row-' + (written + i), text: 'x'.repeat(${size}) })),
        ).then(
          () => { written += ${many}; },
          (error) => { failure = error.message; },
        );
      await environment.write([{ table: 't', key: 'other', text: 'x'.repeat(${size}) }]).catch(() => {});
      console.log(JSON.stringify([written, failure, [...environment.rows('t')].length, lines, environment.trouble]));
      process.exit();`,
    );
    const at = folder();
    try {
      // Files of 2 MB at most stand for a disk that is full. The signal that comes with it is not heard, as where it is a disk.
      const line = 'trap \'\' XFSZ; ulimit -f 2048; exec "$@"';
      const child = spawn('bash', ['-c', line, 'bash', process.execPath, program.path, at], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [text] = await Promise.all([textOf(child.stdout), once(child, 'exit')]);
      const [written, failure, kept, lines, trouble] = JSON.parse(text);
      expect(failure).toBe('the data file cannot be written: is the disk full?');
      // Only LMDB told, by a stack on standard error.
      expect(trouble).toBe(failure);
      expect(lines).toEqual([
        `warn the data file cannot take over what is in the log; once that is full, writes are refused ${failure}`,
        `warn writes are refused: they cannot be kept ${failure}`,
      ]);
      expect(kept).toBe(written);
      expect(written).toBeGreaterThan(10);
      // With room again: whatever the data file says that it has, it has.
      const again = openEnvironment(at);
      expect(rows(again).length).toBeGreaterThanOrEqual(written);
      await again.close();
    } finally {
      program.remove();
    }
  },
);

describe('environment', () => {
  it.runIf(process.platform === 'linux')(
    'gives the memory back that reading everything took, and goes on',
    async () => {
      const path = folder();
      const written = openEnvironment(path);
      const puts = Array.from({ length: 3000 }, (_, i) => ({
        table: 't',
        key: `k${i}`,
        text: 'x'.repeat(1000),
      }));
      await written.write(puts);
      await written.close();
      const environment = openEnvironment(path);
      expect(rows(environment)).toHaveLength(puts.length);
      expect(mapped(path)).toBeGreaterThan(3000);
      environment.letGo();
      expect(mapped(path)).toBeLessThan(500);
      expect(environment.row('t', 'k7')).toBe('x'.repeat(1000));
      await environment.write([{ table: 't', key: 'k7', text: 'y' }]);
      await environment.close();
      const again = openEnvironment(path);
      expect(again.row('t', 'k7')).toBe('y');
      await again.close();
    },
  );

  it('has after a restart what was written last, whether it was ended or not', async () => {
    const put = fc.record({
      table: fc.constantFrom('t', 'u'),
      key: fc.oneof(
        fc.constantFrom('', 'a', 'b', 'é'),
        fc.constant('k'.repeat(5000)),
        fc.constant(`${'k'.repeat(5000)}2`),
      ),
      text: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    });
    const step = fc.record({
      puts: fc.array(put, { maxLength: 4 }),
      restarts: fc.constantFrom('no', 'no', 'no', 'yes', 'crash'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        let at = folder();
        let environment = openEnvironment(at, { logBytes });
        const model = new Map<string, string>();
        const look = () => {
          for (const table of ['t', 'u']) {
            const own = [...model].filter(([place]) => place.startsWith(table)).map(([, text]) => text);
            expect(rows(environment, table).sort()).toEqual(own.sort());
          }
        };
        try {
          for (const { puts, restarts } of steps) {
            await environment.write(puts);
            for (const { table, key, text } of puts) {
              if (text === undefined) model.delete(table + key);
              else model.set(table + key, text);
            }
            look();
            if (restarts === 'no') continue;
            if (restarts === 'yes') await environment.close();
            else {
              // What the disk has while it goes on is what a crash leaves.
              const copy = folder();
              cpSync(at, copy, { recursive: true });
              await environment.close();
              at = copy;
            }
            environment = openEnvironment(at, { logBytes });
            look();
          }
        } finally {
          await environment.close();
        }
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('loses nothing that was acknowledged when it is killed while the data file takes rows over', async () => {
    const at = folder();
    let last = 0;
    for (let round = 0; round < 5; round++) {
      const storm: ChildProcess = fork(program.path, [at]);
      const target = last + 150 + round * 37;
      storm.on('message', (count) => {
        last = Number(count);
        if (last >= target) storm.kill('SIGKILL');
      });
      await once(storm, 'close');
      const environment = openEnvironment(at, { logBytes });
      const count = Number(environment.row('t', 'count'));
      // The one that was under way may be there too.
      expect(count).toBeGreaterThanOrEqual(last);
      expect(count).toBeLessThanOrEqual(last + 1);
      // All rows of a write or none, and nothing comes back that was removed.
      expect(rows(environment, 'u')).toEqual([String(count)]);
      const numbers = rows(environment).map((text) => Number(/^\d+/.exec(text)?.[0]));
      const expected = Array.from({ length: 50 }, (_, i) => count - i);
      expect(new Set(numbers)).toEqual(new Set(expected));
      await environment.close();
      last = count;
    }
  }, 60_000);

  it('takes many writes at once, more than the log has room for', async () => {
    const at = folder();
    const environment = openEnvironment(at, { logBytes });
    const text = 'x'.repeat(200);
    await Promise.all(
      Array.from({ length: 3000 }, (_, i) => environment.write([{ table: 't', key: `k${i}`, text }])),
    );
    for (let i = 0; i < 100; i++) await environment.write([{ table: 't', key: `l${i}`, text }]);
    await environment.close();
    await expect(environment.write([])).rejects.toMatchObject({ code: 'store.closed' });
    const again = openEnvironment(at, { logBytes });
    expect(rows(again)).toHaveLength(3100);
    await again.close();
  });

  /** What each record of the log has written. */
  const recordsIn = (at: string) =>
    recordsOf(readFileSync(join(at, 'log-0'))).map(({ payload }) =>
      [...readPayload(payload)].map(([, text]) => text),
    );
  const put = (key: string) => [{ table: 't', key, text: key }];

  it('has what comes while a record is written, whoever it is from, in the next one', async () => {
    const at = folder();
    const environment = openEnvironment(at);
    const told: string[] = [];
    const first = { puts: put('first'), settled: () => void told.push('first is kept') };
    environment.join({ size: 1, take: () => first });
    // The record is on its way: what is asked for from now on is asked later.
    await Promise.resolve();
    const joined = new Promise<void>((resolve) =>
      environment.join({
        size: 3,
        take() {
          told.push('asked');
          return { puts: put('joined'), settled: () => resolve() };
        },
      }),
    );
    environment.join({ size: 0, take: () => void told.push('has nothing to say') });
    await Promise.all([joined, environment.write(put('second')), environment.write(put('third'))]);
    expect(told).toEqual(['first is kept', 'asked', 'has nothing to say']);
    expect(recordsIn(at)).toEqual([['first'], ['joined', 'second', 'third']]);
    await environment.close();
  });

  it('waits for half of those who wrote before, and no longer than they come', async () => {
    const at = folder();
    const environment = openEnvironment(at);
    const writeAll = (keys: string[]) => Promise.all(keys.map((key) => environment.write(put(key))));
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    await writeAll(keys);
    // Two, and one in each turn of the event loop.
    const again = [environment.write(put('a2'))];
    for (const key of keys.slice(1)) {
      again.push(environment.write(put(`${key}2`)));
      await new Promise(setImmediate);
    }
    await Promise.all(again);
    // Of the eight that were at it nobody else comes.
    await writeAll(keys);
    await environment.write(put('alone'));
    const records = recordsIn(at);
    expect(records.flat().filter((text) => text?.endsWith('2'))).toHaveLength(8);
    expect(records[1]!.length).toBeGreaterThanOrEqual(4);
    expect(records.at(-1)).toEqual(['alone']);
    await environment.close();
  });

  it('is for one at a time', async () => {
    const at = folder();
    const environment = openEnvironment(at);
    expect(() => openEnvironment(at)).toThrow(/in use by another muster/);
    await environment.close();
    await openEnvironment(at).close();
  });

  it('refuses what an earlier program wrote', async () => {
    const at = folder();
    const old = open({ path: at });
    await old.openDB('meta', {}).put('format', 1);
    await old.close();
    // Again, too: what refused it does not hold the directory.
    for (let n = 0; n < 2; n++)
      expect(() => openEnvironment(at)).toThrow(/has format 1, this program knows 2/);
  });
});
