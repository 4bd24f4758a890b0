import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 make machine code of every function at its first call, not after some hundred. A registry is written to
 * seldom, so its write path would run interpreted for hours. To be called before the program's parts are loaded; hot
 * code is optimised as ever.
 */
export function compileEagerly(): void {
  setFlagsFromString('--always-sparkplug');
}
