import { describe, expect, it } from 'vitest';
import { parseFlags } from '../flags.ts';
import { checkFlags, checkOf } from './lb-check.ts';

const checksOf = (...words: string[]) => checkOf(parseFlags(checkFlags, words).flags);

describe('the checks of muster lb', () => {
  it('are none unless asked for', () => {
    expect(checksOf()).toBeUndefined();
    expect(checksOf('-check-tcp=false')).toBeUndefined();
  });

  it("have as long as their interval, and HAProxy's counts", () => {
    expect(checksOf('-check-tcp', '-check-interval=500ms')).toMatchObject({
      interval: 500,
      timeout: 500,
      fails: 3,
      passes: 2,
    });
  });

  it.each([
    [['-check-port=80'], 'has no effect without'],
    [['-check-http=health'], 'expected a path such as /health'],
    [['-check-http=/', '-check-tcp'], 'one kind of check at a time'],
    [['-check-tcp', '-check-host=a'], '-check-host is for -check-http'],
    [['-check-tcp', '-check-rise=0'], '-check-rise has to be above 0'],
    [['-check-tcp', '-check-port=70000'], 'from 1 to 65535'],
  ])('are refused where they make no sense: %j', (words, why) => {
    expect(() => checksOf(...words)).toThrow(why);
  });
});
