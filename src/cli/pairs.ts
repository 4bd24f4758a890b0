import { MusterError } from '../errors.ts';

/** Values of a flag that is given as KEY=VALUE, several times. Throws `usage`. */
export function pairsOf(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new MusterError('usage', `-${flag}: expected KEY=VALUE, got "${text}"`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
