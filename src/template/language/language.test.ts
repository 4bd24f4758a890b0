import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ANY,
  byteLength,
  fn,
  fromBytes,
  INT,
  quote,
  STRING,
  sprintf,
  Template,
  TemplateError,
  toBytes,
  type Value,
} from './index.ts';
import { unquote } from './quote.ts';

const render = (text: string, data?: Value, options = {}): string =>
  new Template('t', text, options).execute(data);

describe('what came to the language after the recorded cases', () => {
  it('ranges over whole numbers', () => {
    expect(render('{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}')).toBe('01201');
    expect(render('{{range 0}}x{{else}}none{{end}}')).toBe('none');
  });

  it('has {{else with}}', () => {
    expect(render('{{with ""}}a{{else with "b"}}{{.}}{{else}}c{{end}}')).toBe('b');
  });

  it('assigns to variables outside of a range', () => {
    expect(render('{{$i := 0}}{{$x := 0}}{{range $i, $x = .}}{{end}}{{$i}}{{$x}}', ['a', 'b'])).toBe('1b');
  });
});

describe('places of errors', () => {
  it('are line and column of the text', () => {
    const failing = (text: string): TemplateError => {
      try {
        render(text);
      } catch (error) {
        if (error instanceof TemplateError) return error;
      }
      throw new Error('did not fail');
    };
    expect(failing('one\n  {{ nosuch }}')).toMatchObject({ template: 't', line: 2, column: 6 });
    expect(failing('ä{{index 1 2}}')).toMatchObject({ line: 1, column: 4 });
    expect(failing('\n\n{{range 1.5}}{{end}}')).toMatchObject({ line: 3, column: 9 });
  });
});

describe('limits', () => {
  it('ends a template that calls itself for ever', () => {
    expect(() => render('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}')).toThrow(
      'exceeded maximum template depth',
    );
  });

  it('ends a template that writes for ever', () => {
    const limits = { output: 1000 };
    expect(() => render('{{range 1000000}}xxxxxxxxxx{{end}}', undefined, { limits })).toThrow(
      't:1:8: executing "t" at <1000000>: the output is longer than 1000 characters',
    );
  });

  it('ends a range that goes on for ever', () => {
    const limits = { iterations: 1000 };
    expect(() => render('\n {{range 9223372036854775807}}{{end}}', undefined, { limits })).toThrow(
      't:2:9: executing "t" at <9223372036854775807>: ranges took more than 1000 rounds',
    );
  });

  it('are such that no template keeps its thread for long, unless told otherwise', () => {
    expect(() => render('{{range 10000001}}{{end}}')).toThrow('ranges took more than 10000000 rounds');
    expect(() => render('{{range 70000}}{{printf "%1000d" 1}}{{end}}')).toThrow(
      'the output is longer than 67108864 characters',
    );
  });

  it('reads nothing that is nested without an end', () => {
    expect(() => render(`{{${'('.repeat(100_000)}}}`)).toThrow('nested more than');
    expect(() => render('{{if 1}}'.repeat(100_000))).toThrow('nested more than');
    expect(() => render('{{if 1}}{{else if 1}}'.repeat(1) + '{{else if 1}}'.repeat(100_000))).toThrow(
      'nested more than',
    );
  });
});

describe('properties', () => {
  it('bytes survive as text, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = fromBytes(bytes);
        expect([...toBytes(text)]).toEqual([...bytes]);
        expect(byteLength(text)).toBe(bytes.length);
      }),
    );
  });

  it('what is quoted reads back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(unquote(quote(text))).toBe(text);
        expect(unquote(quote(text, true))).toBe(text);
        expect(render(`{{${quote(text)}}}`)).toBe(text);
      }),
    );
  });

  it('numbers read back as they were', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(sprintf('%v', [value]))).toBe(value);
        expect(Number(sprintf('%.17e', [value]))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(BigInt(render(`{{printf "%d" .}}`, value))).toBe(value);
        expect(sprintf('%x', [value])).toBe(value.toString(16));
      }),
    );
  });

  it('text without actions is written as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('{{'));
        expect(render(text)).toBe(text);
      }),
    );
  });

  it('other delimiters make the same template', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
        const outcome = (text: string, options = {}): string => {
          try {
            return render(text, DATA, { functions: FUNCTIONS, ...options });
          } catch (error) {
            return (error as Error).constructor.name;
          }
        };
        const text = pieces.join('');
        const other = text.replaceAll('{{', '<<').replaceAll('}}', '>>');
        const translated = outcome(other, { delimiters: { left: '<<', right: '>>' } });
        expect(translated.replaceAll('<<', '{{').replaceAll('>>', '}}')).toBe(outcome(text));
      }),
    );
  });
});

/** Parts of templates that a fuzzer puts together; many a whole makes sense. */
const PIECES = [
  '{{if .a}}',
  '{{else}}',
  '{{else if .b}}',
  '{{end}}',
  '{{range $i, $e := .list}}',
  '{{range .map}}',
  '{{with $x := .map}}',
  '{{$x}}',
  '{{$x = 1}}',
  '{{$y := .a}}',
  '{{define "t"}}',
  '{{template "t" .}}',
  '{{block "b" .}}',
  '{{break}}',
  '{{continue}}',
  '{{.list | len | printf "%03d"}}',
  '{{index .list 1}}',
  '{{slice .list 0 1}}',
  '{{eq .a 1}}',
  '{{and .a .b | or 0}}',
  '{{.map.k.k}}',
  '{{call .f 1}}',
  '{{ident (ident .a)}}',
  '{{printf "%[2]*[1]d|%v|%q" .a 3}}',
  '{{- /* c */ -}}',
  ' text ',
  '\n',
  '{{nil}}',
  '{{`raw`}}',
  "{{'c'}}",
  '{{1.5e3}}',
  '{{',
  '}}',
];
const DATA: Value = new Map<Value, Value>([
  ['a', 1n],
  ['b', ''],
  ['list', [1n, 'two', 3.5, null]],
  ['map', new Map<Value, Value>([['k', 'v']])],
  ['f', fn([INT], INT, (value: bigint) => value + 1n)],
]);
const FUNCTIONS = {
  ident: fn([ANY], ANY, (value: Value) => value),
  text: fn([STRING], STRING, (text: string) => text),
};

describe('a fuzzer', () => {
  const limits = { depth: 50, output: 100_000, iterations: 10_000 };
  const outcome = (text: string): void => {
    try {
      expect(typeof render(text, DATA, { functions: FUNCTIONS, limits })).toBe('string');
    } catch (error) {
      // Nothing but an error with its place.
      expect(error).toBeInstanceOf(TemplateError);
      expect((error as TemplateError).line).toBeGreaterThan(0);
    }
  };

  it('makes nothing of parts but a text or an error with its place', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 20 }), (pieces) =>
        outcome(pieces.join('')),
      ),
      { numRuns: 2000 },
    );
  });

  it('nor of any characters inside an action', () => {
    const character = fc.constantFrom(...'{}()|$.:=,"\'`\\-+ \n09axé_/*%');
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 40 }), (text) => {
        outcome(`{{${text}}}`);
        outcome(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('nor of any format', () => {
    const character = fc.constantFrom(...'%[]*.+-# 0123vTtdboOxXcqUeEfFgGsp!z');
    const value = fc.oneof(
      fc.bigInt(),
      fc.double(),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: character, maxLength: 12 }),
        fc.array(value, { maxLength: 4 }),
        (format, values) => {
          expect(typeof sprintf(format, values)).toBe('string');
        },
      ),
      { numRuns: 3000 },
    );
  });
});
