import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Limits, RESOURCES, whyNotLimited, within } from './rlimits.ts';

describe.skipIf(process.platform !== 'linux')('limits of an instance', () => {
  const own = readFileSync('/proc/self/limits', 'latin1');

  it('are what the system shows, soft and hard, of the program itself', () => {
    const limits: Required<Limits> = {
      openFiles: 64,
      processes: 77,
      coreSize: 0,
      addressSpace: 2 ** 31,
      dataSize: 2 ** 30,
      stackSize: 2 ** 20,
      fileSize: 12_345,
      lockedMemory: 4_096,
      cpuTime: 1_500,
    };
    const [program = '', ...args] = within(limits, ['cat', '/proc/self/limits']);
    const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    for (const [name, { row }] of Object.entries(RESOURCES)) {
      // The time of the processor is counted in whole seconds.
      const value = name === 'cpuTime' ? 2 : limits[name as keyof Limits];
      expect(stdout).toMatch(new RegExp(`^${row} +${value} +${value} `, 'm'));
    }
  });

  it('change nothing of the command without any', () => {
    expect(within({}, ['a', '--b'])).toEqual(['a', '--b']);
  });

  it('above what Muster has are refused unless it may raise them, and name the key', () => {
    const name = fc.constantFrom(...(Object.keys(RESOURCES) as (keyof Limits)[]));
    fc.assert(
      fc.property(
        name,
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 9 }),
        (one, most, over) => {
          const { key, row } = RESOURCES[one];
          const text = own.replace(new RegExp(`^${row}.*$`, 'm'), `${row.padEnd(26)}1  ${most}  units`);
          // In ms, and rounded up to seconds.
          const value = (most + over) * (one === 'cpuTime' ? 1_000 : 1);
          const why = whyNotLimited({ [one]: value }, text, false);
          if (over === 0) expect(why).toBeUndefined();
          else
            expect(why).toContain(
              `limits.${key} is ${most + over}, and Muster itself may have ${most} at most`,
            );
          expect(whyNotLimited({ [one]: value }, text, true)).toBeUndefined();
          expect(
            whyNotLimited({ [one]: value }, text.replace(`${most}  units`, 'unlimited'), false),
          ).toBeUndefined();
        },
      ),
    );
  });
});
