import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { inRoot, MUSTER } from '../scripts/support/paths.mjs';
import { type Running, start, until } from '../scripts/support/processes.mjs';
import { testFolder } from './support/muster.ts';
import { Network, noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/auto-join.test.ts is skipped: ${why}\n`);

describe.skipIf(why !== undefined)('nodes on one network that are told a name and the key', () => {
  it('find each other; who has no key hears the name and nothing else', async () => {
    const network = new Network('auto-join');
    onTestFinished(() => network.remove());
    for (const number of [1, 2, 3, 4]) network.add(number);
    const folder = testFolder();
    const key = randomBytes(32).toString('base64');
    const programs: Running[] = [];
    onTestFinished(async () => void (await Promise.all(programs.map((program) => program.kill()))));
    onTestFailed(() => {
      for (const program of programs)
        process.stdout.write(`--- ${program.name}\n${program.output().slice(-4_000)}\n`);
    });
    const on = (number: number, ...command: string[]) => {
      const program = start(...network.on(number, command));
      programs.push(program);
      return program;
    };
    // Long enough not to come up by chance in what is encrypted, as two letters do.
    const name = (number: number) => `auto-join-node-${number}`;
    const agent = (number: number, encrypt: string, ...flags: string[]) =>
      on(
        number,
        ...[process.execPath, MUSTER, 'agent'],
        ...[`-node=${name(number)}`, `-data-dir=${join(folder, name(number))}`],
        ...[
          `-bind=${network.address(number)}`,
          `-encrypt=${encrypt}`,
          '-auto-join=shop',
          '-balancer=false',
          ...flags,
        ],
      );
    const ear = on(4, process.execPath, inRoot('test/programs/hear-multicast.mjs'), network.address(4));
    await until('the ear', () => ear.output().includes('listening'), { program: ear });
    agent(1, key, '-server', '-bootstrap-expect=2');
    const second = agent(2, key, '-server', '-bootstrap-expect=2');
    await until('two servers', () => second.output().includes('cluster is founded'), {
      program: second,
      ms: 60_000,
    });
    const follower = agent(3, key);
    await until('an agent that follows', () => /\bHTTP API|following/i.test(follower.output()), {
      program: follower,
      ms: 60_000,
    });
    const stranger = agent(4, randomBytes(32).toString('base64'));
    await until('a stranger to have asked', () => stranger.output().includes('waiting for a server'), {
      program: stranger,
    });

    // Everything that the fourth machine was sent before and after it asked; the last line may not be whole.
    const heard = await until('the ear to tell', () => {
      const lines = ear.output().split('\n').slice(0, -1);
      const packets = lines.filter((line) => line.startsWith('packet '));
      return packets.length > 2 && packets;
    });
    for (const line of heard) {
      const packet = Buffer.from(line.split(' ')[1] as string, 'base64').toString('latin1');
      expect(packet).toContain('shop');
      for (const number of [1, 2, 3]) {
        expect(packet).not.toContain(name(number));
        expect(packet).not.toContain(network.address(number));
      }
    }
    expect(stranger.output()).not.toContain('following');
    for (const number of [1, 2, 3]) expect(stranger.output()).not.toContain(network.address(number));
  });
});
