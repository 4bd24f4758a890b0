import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { becomes } from '../lib/soon.test-support.ts';
import { joinAnew } from './join-anew.ts';
import { type Membership, MembershipFile } from './membership.ts';

const OLD: Membership = {
  id: 'old',
  coordinator: '',
  peerPort: 8310,
  servers: { 0: 'a', 1: 'b' },
  ordinal: 1,
  state: 'member',
  isNew: true,
};

/** A server whose file has something in its way: a directory can neither be replaced by a file nor removed as one. */
function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-anew-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const place = join(folder, 'cluster.json');
  const file = new MembershipFile(folder);
  file.set(OLD);
  const block = () => {
    rmSync(place, { force: true });
    mkdirSync(join(place, 'in-the-way'), { recursive: true });
  };
  const unblock = () => rmSync(place, { recursive: true });
  block();
  const clock = new ManualClock();
  const reasons: string[] = [];
  const steps: string[] = [];
  const state = { isOver: false };
  const done = joinAnew({
    forget: async () => {
      steps.push('forget');
      file.set(undefined);
    },
    join: async () => {
      steps.push('join');
      if (steps.length === 3) block();
      file.set({ ...OLD, id: 'new', ordinal: 5 });
    },
    isOver: () => state.isOver,
    clock,
    random: () => 1,
    logger: createLogger({ level: 'error', sink: ({ fields }) => reasons.push(String(fields.error)) }),
  });
  /** Lets the time of the next attempt come, once there have been so many failures. */
  const after = async (failures: number) => {
    await becomes(() => reasons.length === failures);
    clock.advance(5_000);
  };
  return { place, file, unblock, reasons, steps, state, done, after };
}

it('a server that was given up joins again once what it is a part of can be written down', async () => {
  const { place, file, unblock, reasons, steps, done, after } = setUp();
  await becomes(() => reasons.length === 1);
  expect(file.get()?.id).toBe('old');
  unblock();
  await after(1);
  await becomes(() => reasons.length === 2);
  expect(file.get()).toBe(undefined);
  unblock();
  await after(2);
  await done;
  expect(file.get()).toMatchObject({ id: 'new', ordinal: 5 });
  expect(new MembershipFile(join(place, '..')).get()).toEqual(file.get());
  expect(steps, 'what it joined is not forgotten').toEqual(['forget', 'forget', 'join', 'join']);
  for (const reason of reasons) expect(reason).toContain(`cannot write ${place}: `);
});

it('a server that stops meanwhile tries no more', async () => {
  const { reasons, steps, state, done, after } = setUp();
  await becomes(() => reasons.length === 1);
  state.isOver = true;
  await after(1);
  await done;
  expect(steps).toEqual(['forget']);
});
