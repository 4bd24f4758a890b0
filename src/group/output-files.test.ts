import { appendFileSync, closeSync, mkdtempSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { LineSplitter } from './lines.ts';
import { type FollowedOutput, OutputFolder } from './output-files.ts';

function folder() {
  const directory = mkdtempSync(path.join(tmpdir(), 'output-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return { directory, output: new OutputFolder(directory) };
}

/** Follows as an instance does: by lines; those of a run that was cut off are lost with it. */
function followLines(output: OutputFolder, lines: string[]): FollowedOutput {
  const splitter = new LineSplitter((line) => lines.push(line));
  return output.follow('a-1', (_, chunk) => splitter.write(chunk));
}

it('hands every line on once, whoever reads when, also what was written while nobody did', () => {
  const { directory, output } = folder();
  const file = path.join(directory, 'a-1.stdout');
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string({ maxLength: 30 }).map((text) => ({ write: text.replaceAll('\r', '') })),
          fc.constant({ write: '\n' }),
          fc.constant('read' as const),
          fc.constant('restart' as const),
        ),
      ),
      (steps) => {
        for (const fd of Object.values(output.create('a-1'))) closeSync(fd);
        const lines: string[] = [];
        let written = '';
        let followed = followLines(output, lines);
        for (const step of steps) {
          if (step === 'read') followed.read();
          else if (step === 'restart') {
            followed.release();
            followed = followLines(output, lines);
          } else {
            appendFileSync(file, step.write);
            written += step.write;
          }
        }
        followed.end();
        expect(lines).toEqual(written.split('\n').slice(0, -1));
      },
    ),
  );
});

it('empties a large file that was read, and goes on with what comes then', () => {
  const { directory, output } = folder();
  const { stdout, stderr } = output.create('a-1');
  const lines: string[] = [];
  let followed = followLines(output, lines);
  const line = `${'x'.repeat(1000)}\n`;
  for (let count = 0; count < 1200; count++) writeSync(stdout, line);
  // More than is taken in one turn.
  followed.read();
  followed.read();
  expect(statSync(path.join(directory, 'a-1.stdout')).size).toBe(0);
  writeSync(stdout, 'after\n');
  followed.release();
  followed = followLines(output, lines);
  followed.end();
  expect(lines).toHaveLength(1201);
  expect(lines.at(-1)).toBe('after');
  closeSync(stdout);
  closeSync(stderr);
  output.remove('a-1');
  expect(readdirSync(directory)).toEqual([]);
});

it('hears of what is written by itself', async () => {
  const { output } = folder();
  const { stdout, stderr } = output.create('a-1');
  const heard = new Promise<string>((resolve) => {
    output.follow('a-1', (stream, chunk) => resolve(`${stream} ${chunk}`));
  });
  writeSync(stderr, 'hello\n');
  expect(await heard).toBe('stderr hello\n');
  closeSync(stdout);
  closeSync(stderr);
});
