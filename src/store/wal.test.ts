import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { payloadSize, readPayload, writePayload } from './log-payload.ts';
import { recordsOf, WriteAheadLog } from './wal.ts';

const root = mkdtempSync(join(tmpdir(), 'muster-wal-'));
let folders = 0;
const folder = () => mkdtempSync(join(root, `${folders++}-`));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const BYTES = 4096;
const append = (log: WriteAheadLog, text: string) =>
  log.append(Buffer.byteLength(text), (payload) => payload.write(text));
const opened = (directory: string, applied = 0) => {
  const { log, records } = WriteAheadLog.open(directory, applied, BYTES);
  return { log, records: records.map(({ sequence, payload }) => [sequence, payload.toString()]) };
};

describe('the log', () => {
  it('gives back what was appended, beyond what the data file has', async () => {
    const at = folder();
    const { log, records } = opened(at);
    expect(records).toEqual([]);
    for (const text of ['one', '', 'three']) await append(log, text);
    expect(log.sequence).toBe(3);
    log.close();
    for (const [applied, found] of [
      [
        0,
        [
          [1, 'one'],
          [2, ''],
          [3, 'three'],
        ],
      ],
      [2, [[3, 'three']]],
      [3, []],
      // It lost its files, say: it goes on behind what is known.
      [9, []],
    ] as const) {
      const again = opened(at, applied);
      expect(again.records).toEqual(found);
      expect(again.log.sequence).toBe(Math.max(3, applied));
      again.log.close();
    }
  });

  it('goes on in the other file, over records of before', async () => {
    const at = folder();
    const { log } = opened(at);
    await append(log, 'a'.repeat(100));
    log.turn();
    await append(log, 'b');
    await append(log, 'c');
    log.turn();
    await append(log, 'd');
    log.close();
    // The first record is gone: the data file has had it for long.
    const again = opened(at, 1);
    expect(again.records).toEqual([
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ]);
    again.log.close();
  });

  it('refuses to go on where records are missing', async () => {
    const at = folder();
    const { log } = opened(at, 7);
    await append(log, 'eight');
    log.close();
    expect(() => opened(at, 3)).toThrow(/different times/);
  });

  it('takes what fits and what does not, and gives room back', async () => {
    const at = folder();
    const { log } = opened(at);
    const large = 'x'.repeat(5 * BYTES);
    await append(log, large);
    expect(log.isFull).toBe(true);
    log.turn();
    expect(log.isFull).toBe(false);
    await append(log, 'small');
    const before = opened(at);
    expect(before.records).toEqual([
      [1, large],
      [2, 'small'],
    ]);
    before.log.close();
    log.turn();
    expect(statSync(join(at, 'log-0')).size).toBe(BYTES);
    log.close();
  });

  it('believes no record that is damaged or cut off, nor those behind it', async () => {
    const at = folder();
    const { log } = opened(at);
    const texts = ['first', 'second', 'third'];
    for (const text of texts) await append(log, text);
    log.close();
    const whole = readFileSync(join(at, 'log-0'));
    const ends = [21, 21 + 22, 21 + 22 + 21];
    fc.assert(
      fc.property(fc.nat(63), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, by, cuts) => {
        const bytes = cuts ? whole.subarray(0, place) : Buffer.from(whole);
        if (!cuts) bytes[place] = (bytes[place] as number) ^ by;
        const intact = ends.filter((end) => end <= place).length;
        expect(recordsOf(bytes).map(({ payload }) => payload.toString())).toEqual(texts.slice(0, intact));
      }),
    );
  });

  it('reads any bytes without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(recordsOf(Buffer.from(bytes))).toEqual([]);
      }),
    );
    const at = folder();
    writeFileSync(join(at, 'log-0'), 'no log at all');
    const { log, records } = opened(at);
    expect(records).toEqual([]);
    log.close();
  });
});

it('writes rows so that they can be read', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.option(text, { nil: undefined }))), (rows) => {
      const payload = Buffer.alloc(payloadSize(rows));
      writePayload(rows, payload);
      expect([...readPayload(payload)]).toEqual(rows);
    }),
  );
});
