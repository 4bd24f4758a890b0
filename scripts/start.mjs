#!/usr/bin/env node
// @ts-check
// npm start: sets up what is missing and runs the hello stack in the foreground.
//   npm start [-- STACK.toml] [-- flags of `muster up`]
import { spawn } from 'node:child_process';
import { setup } from './setup.mjs';
import { findCommand, inRoot, MUSTER, ROOT } from './support/paths.mjs';
import { whenToldToStop } from './support/processes.mjs';
import { run } from './support/say.mjs';

/** Within this time a second signal is the same key press, come by another way (terminal, npm). */
const SAME_KEY_PRESS_MS = 700;

await run(async () => {
  await setup();
  const own = process.argv.slice(2);
  const stack = own[0]?.startsWith('-') === false ? [] : [inRoot('stacks', 'hello.toml')];
  // If we are killed without a word, the program must not stay behind.
  const setpriv = findCommand('setpriv');
  const guard = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM', '--'];
  const argv = [...guard, process.execPath, MUSTER, 'up', ...stack, ...own];
  const child = spawn(/** @type {string} */ (argv[0]), argv.slice(1), {
    stdio: 'inherit',
    cwd: own.length > 0 ? (process.env.INIT_CWD ?? process.cwd()) : ROOT,
    // A process group of its own: Ctrl-C reaches it once, through us, and not once more from the terminal.
    detached: true,
  });
  let last = 0;
  whenToldToStop((signal) => {
    const now = Date.now();
    if (now - last > SAME_KEY_PRESS_MS) child.kill(signal);
    last = now;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
});
