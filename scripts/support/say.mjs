// @ts-check
// What the scripts print: one line per step, with the time it took where it took some.

// A reader that went away (`npm start | head`) is no failure of what is run here.
process.stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
  if (error.code !== 'EPIPE') throw error;
});

/** How often a long step says that it is still at work. */
const STILL_AT_WORK_MS = 10_000;

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** @param {string} part @param {string} text */
export function say(part, text) {
  return process.stdout.write(`${part}: ${text}\n`);
}

/**
 * Runs a step and says when it begins, that it goes on, and how long it took.
 * @template T
 * @param {string} part
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(part, what, work) {
  const begin = Date.now();
  say(part, `${what} …`);
  const timer = setInterval(
    () => say(part, `… still at it (${seconds(Date.now() - begin)})`),
    STILL_AT_WORK_MS,
  );
  try {
    const result = await work();
    say(part, `done in ${seconds(Date.now() - begin)}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** A failure whose message is all that its reader needs: printed without a stack, exit code 1. */
export class Failure extends Error {
  /** @type {number} */
  exitCode = 1;
}

/** What was typed cannot be meant: exit code 2. */
export class UsageFailure extends Failure {
  /** @override */
  exitCode = 2;
}

/**
 * Runs a script's main function and turns what it throws into a message and an exit code.
 * @param {() => Promise<number | void>} main
 */
export async function run(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const isMistyped = /^ERR_PARSE_ARGS/.test(/** @type {NodeJS.ErrnoException} */ (error)?.code ?? '');
    const failure = isMistyped ? new UsageFailure(/** @type {Error} */ (error).message) : error;
    process.stderr.write(
      `${failure instanceof Failure ? failure.message : failure instanceof Error ? failure.stack : failure}\n`,
    );
    process.exitCode = failure instanceof Failure ? failure.exitCode : 1;
  }
}
