import { onTestFailed, onTestFinished } from 'vitest';
import { findCommand } from '../../scripts/support/paths.mjs';
import { type Running, runToEnd, start } from '../../scripts/support/processes.mjs';

/** Starts a program of the system for the current test; its output is shown when the test fails. */
export function testProgram(name: string, args: string[]): Running {
  const program = start(commandOf(name), args);
  onTestFinished(async () => {
    await program.kill();
  });
  onTestFailed(() => {
    process.stdout.write(`--- output of ${program.name}\n${program.output()}\n`);
  });
  return program;
}

/** What a program prints. Throws when it fails. */
export async function outputOf(name: string, args: string[]): Promise<string> {
  const { code, output } = await runToEnd(commandOf(name), args);
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** The lines that `dig +short` prints, in order of the alphabet; it asks once and waits 10 s. */
export async function dig(port: number, ...question: string[]): Promise<string[]> {
  const output = await digWhole(port, '+short', ...question);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** All that `dig` prints. */
export function digWhole(port: number, ...question: string[]): Promise<string> {
  return outputOf('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=10', ...question]);
}

function commandOf(name: string): string {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`${name} is missing: run node scripts/setup.mjs test`);
  return command;
}
