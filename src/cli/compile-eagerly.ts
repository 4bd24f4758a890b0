import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 make machine code of every function at its first call, not after some hundred. A registry is written to
 * seldom, so its write path would run interpreted for hours. To be called once the program runs: most of what starts
 * it is called once, and making code of that too was an eighth of a start. Hot code is optimised as ever.
 */
export function compileEagerly(): void {
  setFlagsFromString('--always-sparkplug');
}
