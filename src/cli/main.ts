/** The program: `bin/muster` imports this. */
import { fileTrouble } from '../errors.ts';
import { run } from './run.ts';
import type { Terminal } from './verb.ts';
import { verbs } from './verbs.ts';

// A reader that went away (`muster kv list | head`) is no failure; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`muster: cannot write what is to be printed: ${fileTrouble(error)}\n`);
  process.exit(1);
});
// Nobody is left to be told.
process.stderr.on('error', () => {});

const { env } = process;
const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stdin: process.stdin,
  env,
  isScreen: process.stdout.isTTY === true,
  // https://no-color.org, and its opposite.
  color: !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || process.stdout.isTTY === true),
};

// Not process.exit: what is written to a pipe may still be on its way.
process.exitCode = await run(verbs, process.argv.slice(2), terminal);
