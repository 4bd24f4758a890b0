import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inRoot } from '../scripts/support/paths.mjs';
import { UsageFailure } from '../scripts/support/say.mjs';
import { OptionsAsked, options } from './options.mjs';

const defaults = { minutes: '10', clients: '24' };

describe('options of a benchmark', () => {
  it('are those given, the others as they are', () => {
    expect(options(['--clients', '3'], defaults)).toEqual({ minutes: '10', clients: '3' });
    expect(options(['--clients=3', '--'], defaults)).toEqual({ minutes: '10', clients: '3' });
  });

  it.each([
    [['--minute', '1'], 'there is no option --minute; there are --minutes --clients'],
    [['-m'], 'there is no option -m; there are --minutes --clients'],
    [['5'], '"5" belongs to no option; there are --minutes --clients'],
    [['--minutes'], '--minutes needs a value'],
  ])('are refused in a sentence: %j', (argv, sentence) => {
    expect(() => options(argv, defaults)).toThrow(new UsageFailure(sentence));
  });

  it.each(['--help', '-h'])('are told of when that is asked for: %s', (word) => {
    expect(() => options([word], defaults)).toThrow(OptionsAsked);
  });
});

it('npm run bench prints usage instead of a trace', async () => {
  const bench = async (...argv: string[]) => {
    const file = inRoot('bench/run.mjs');
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [file, ...argv])) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  };
  const help = await bench('soak', '--help');
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(
    /^usage: npm run bench -- soak[\s\S]*--minutes 10\n {2}--clients 24\n {2}--http2 4\n$/,
  );
  expect((await bench('--help')).stdout).toMatch(/^usage: .*\n(.*\n)* {2}soak /);
  expect(await bench('sok')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^there is no benchmark sok\n/),
  });
}, 120_000);
