import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePorts, type Running, until } from '../scripts/support/processes.mjs';
import { musterProcess, onPorts, pickPorts, testFolder, writeConfig } from './support/muster.ts';

/** What Node loads first: sends itself a signal as soon as the first script has run, which then loads the program. */
function signalsItself(signal: NodeJS.Signals): NodeJS.ProcessEnv {
  const file = join(testFolder(), 'first.cjs');
  // Not its threads, nor a process that takes over from another, which has a channel to it.
  const isMeant = `require('node:worker_threads').isMainThread && process.send === undefined`;
  const send = `if (${isMeant}) setImmediate(() => process.kill(process.pid, '${signal}'));`;
  writeFileSync(file, send);
  return { NODE_OPTIONS: `--require ${file}` };
}

async function agent(signal: NodeJS.Signals): Promise<Running> {
  const folder = testFolder();
  const config = { node: { data_dir: join(folder, 'data') } };
  const path = writeConfig(folder, onPorts(config, await pickPorts()));
  return musterProcess(['agent', '-config-file', path], signalsItself(signal));
}

async function lb(signal: NodeJS.Signals): Promise<Running> {
  const [port = 0] = await freePorts(1);
  return musterProcess(
    ['lb', '-listen', `127.0.0.1:${port}`, '-upstream', '127.0.0.1:1'],
    signalsItself(signal),
  );
}

async function dns(signal: NodeJS.Signals): Promise<Running> {
  const [port = 0] = await freePorts(1);
  return musterProcess(
    ['dns', '-listen', `127.0.0.1:${port}`, '-consul', '', '-server', '127.0.0.1#1'],
    signalsItself(signal),
  );
}

const says = (program: Running, words: string) =>
  until(`"${words}"`, () => program.output().includes(words), { program });

describe('a signal that comes while the program is still being loaded', () => {
  it.each([
    ['agent', agent, 'the configuration was read again'],
    ['dns', dns, 'the configuration was read again'],
  ])('has it read its configuration again: %s', async (_, start, words) => {
    const program = await start('SIGHUP');
    await says(program, words);
    expect((await program.stop()).code).toBe(0);
  });

  it.each([
    ['agent', agent],
    ['lb', lb],
  ])('has another process take over: %s', async (_, start) => {
    const program = await start('SIGUSR2');
    await says(program, 'serves from now on');
    expect((await program.stop()).code).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends it in order: %s', async (signal) => {
    for (const start of [agent, lb, dns]) {
      const program = await start(signal);
      expect(await program.exited).toEqual({ code: 0, signal: null });
      expect(program.output()).not.toContain('listening');
    }
  });

  it('has templates read again', async () => {
    const [port = 0] = await freePorts(1);
    const [input, output] = ['in.tmpl', 'out'].map((name) => join(testFolder(), name));
    writeFileSync(input as string, 'x');
    const program = musterProcess(
      [
        'template',
        '-consul-addr',
        `127.0.0.1:${port}`,
        '-log-level',
        'info',
        '-template',
        `${input}:${output}`,
      ],
      signalsItself('SIGHUP'),
    );
    await says(program, 'were read again');
    await program.stop();
  });
});
