import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Flags, parseFlags } from './flags.ts';

const flags = {
  dev: { kind: 'boolean', summary: '' },
  'http-port': { kind: 'integer', summary: '' },
  rate: { kind: 'number', summary: '' },
  timeout: { kind: 'duration', summary: '' },
  node: { kind: 'string', summary: '' },
  join: { kind: 'list', summary: '' },
  level: { kind: 'string', choices: ['info', 'debug'], summary: '' },
} as const satisfies Flags;

const parse = (...words: string[]) => parseFlags(flags, words);

/** What the flags can be given, and what that becomes. */
const given = fc.record(
  {
    dev: fc.boolean(),
    'http-port': fc.integer({ min: -1, max: 65_535 }),
    node: fc.string(),
    join: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
    level: fc.constantFrom('info', 'debug'),
  },
  { requiredKeys: [], noNullPrototype: true },
);

describe('flags', () => {
  it('read the same with one dash or two, with = or without, wherever arguments stand', () => {
    const argument = fc.string().filter((text) => !text.startsWith('-'));
    fc.assert(
      fc.property(
        given,
        fc.array(argument, { maxLength: 3 }),
        fc.infiniteStream(fc.boolean()),
        (values, args, coins) => {
          const coin = () => coins.next().value as boolean;
          const parts: string[][] = args.map((arg) => [arg]);
          for (const [name, value] of Object.entries(values)) {
            for (const one of Array.isArray(value) ? value : [value]) {
              const flag = `${coin() ? '-' : '--'}${name}`;
              const part =
                one === true && coin()
                  ? [flag]
                  : typeof one === 'boolean' || coin()
                    ? [`${flag}=${one}`]
                    : [flag, String(one)];
              // Arguments and the values of a list keep their order, so parts go in at the end or before the arguments.
              if (coin()) parts.push(part);
              else parts.splice(parts.length - args.length < 0 ? 0 : parts.length, 0, part);
            }
          }
          const { flags: read, args: rest, help } = parse(...parts.flat());
          expect(read).toEqual(values);
          expect(rest).toEqual(args);
          expect(help).toBe(false);
        },
      ),
    );
  });

  it('a boolean that is a text in Consul takes true or false that stand apart, and nothing else', () => {
    const known = { only: { kind: 'boolean', mayStandApart: true, summary: '' } } as const;
    const read = (...words: string[]) => {
      const { flags, args } = parseFlags(known, words, { endAtArgument: true });
      return [flags.only, ...args];
    };
    expect(read('-only', 'true', 'reload')).toEqual([true, 'reload']);
    expect(read('-only', 'false')).toEqual([false]);
    expect(read('-only', 'reload', 'true')).toEqual([true, 'reload', 'true']);
    expect(read('-only=false', 'true')).toEqual([false, 'true']);
    expect(read('-only')).toEqual([true]);
    expect(parse('-dev', 'false')).toMatchObject({ flags: { dev: true }, args: ['false'] });
  });

  it('everything behind -- is an argument', () => {
    expect(parse('-dev', '--', '-node', '--help')).toEqual({
      flags: { dev: true },
      args: ['-node', '--help'],
      help: false,
    });
  });

  it('a lone dash and negative numbers are arguments, and values', () => {
    expect(parse('-', '-5').args).toEqual(['-', '-5']);
    expect(parse('-http-port', '-1').flags['http-port']).toBe(-1);
  });

  it('durations are milliseconds, the last of several wins, lists gather', () => {
    expect(parse('-timeout=1m30s', '-node=a', '-node=b', '-join=x', '--join', 'y').flags).toEqual({
      timeout: 90_000,
      node: 'b',
      join: ['x', 'y'],
    });
  });

  it.each([
    [['-nodee', 'a'], 'unknown flag -nodee; did you mean -node?'],
    [['-xyzzy'], 'unknown flag -xyzzy'],
    [['-http-port', 'many'], '-http-port: expected a whole number, got "many"'],
    [['-timeout=5'], '-timeout: expected a duration such as 10s or 1m30s, got "5"'],
    [['-dev=perhaps'], '-dev: expected true or false, got "perhaps"'],
    [['-level=inf'], '-level: expected one of info, debug, got "inf"; did you mean info?'],
    [['-node'], '-node needs a value: a text'],
    [['-toString'], 'unknown flag -toString'],
    [['-__proto__=1'], 'unknown flag -__proto__'],
  ])('%j is refused: %s', (words, sentence) => {
    expect(() => parse(...words)).toThrowError(sentence);
  });

  it('never throws anything but a sentence about usage', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.string().map((text) => `-${text}`),
          ),
        ),
        (words) => {
          try {
            parse(...words);
          } catch (error) {
            expect((error as { code: string }).code).toBe('usage');
          }
        },
      ),
    );
  });
});
