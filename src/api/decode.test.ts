import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anything,
  base64,
  boolean,
  type Decoded,
  decodeJson,
  duration,
  integer,
  list,
  object,
  optional,
  record,
  string,
  uint64,
} from './decode.ts';

const INNER = object({ Port: integer, On: boolean }, { name: 'Inner' });
const OUTER = object(
  {
    Name: string,
    Tags: list(string),
    Meta: record(string),
    Wait: duration,
    Flags: uint64,
    Value: base64,
    Inner: INNER,
    Maybe: optional(INNER),
    Any: anything,
    EnableTagOverride: boolean,
  },
  { name: 'Outer', snakeCase: true },
);

describe('decoding', () => {
  it('what is missing or null has its zero value', () => {
    const zero: Decoded<typeof OUTER> = {
      Name: '',
      Tags: null,
      Meta: null,
      Wait: 0,
      Flags: 0n,
      Value: new Uint8Array(),
      Inner: { Port: 0, On: false },
      Maybe: undefined,
      Any: undefined,
      EnableTagOverride: false,
    };
    expect(decodeJson(OUTER, '{}')).toEqual(zero);
    const nulls = Object.fromEntries(Object.keys(zero).map((name) => [name, null]));
    expect(decodeJson(OUTER, JSON.stringify(nulls))).toEqual(zero);
  });

  it('keys are read in any case, and in snake_case where that is allowed', () => {
    expect(decodeJson(OUTER, '{"nAME":"x","enable_tag_override":true}')).toMatchObject({
      Name: 'x',
      EnableTagOverride: true,
    });
    expect(() => decodeJson(INNER, '{"p_ort":1}')).toThrow('json: unknown field "p_ort"');
  });

  it('values come through', () => {
    const value = fc.record({
      Name: fc.string(),
      Tags: fc.array(fc.string()),
      Meta: fc.dictionary(fc.string(), fc.string()),
      Inner: fc.record({ Port: fc.maxSafeInteger(), On: fc.boolean() }),
    });
    fc.assert(
      fc.property(value, (value) => {
        const decoded = decodeJson(OUTER, JSON.stringify(value));
        expect({ ...decoded, Meta: { ...decoded.Meta } }).toMatchObject(value);
      }),
    );
  });

  it.each([
    ['"10s"', 10_000],
    ['"1m30s"', 90_000],
    ['5000000000', 5000],
    ['""', 0],
  ])('the duration %s is %d ms', (text, ms) => {
    expect(decodeJson(duration, text)).toBe(ms);
  });

  it('unsigned numbers of 64 bits are exact', () => {
    expect(decodeJson(uint64, '18446744073709551615')).toBe(2n ** 64n - 1n);
    expect(() => decodeJson(uint64, '18446744073709551616')).toThrow(
      /cannot unmarshal number 18446744073709551616/,
    );
    expect(() => decodeJson(uint64, '-1')).toThrow(/cannot unmarshal number -1/);
  });

  it.each([
    ['{"Colour":"red"}', 'json: unknown field "Colour"'],
    ['{"Name":1}', 'json: cannot unmarshal number into Go struct field Outer.Name of type string'],
    [
      '{"Inner":{"Port":"http"}}',
      'json: cannot unmarshal string into Go struct field Inner.Inner.Port of type int',
    ],
    ['{"Tags":"a"}', 'json: cannot unmarshal string into Go struct field Outer.Tags of type []string'],
    ['{"Inner":[]}', 'json: cannot unmarshal array into Go struct field Outer.Inner of type Inner'],
    ['{"Wait":"often"}', 'time: invalid duration "often"'],
    ['{"Wait":"5"}', 'time: missing unit in duration "5"'],
    ['{"Wait":"5 s"}', 'time: unknown unit " s" in duration "5 s"'],
    ['{"Value":"***"}', 'illegal base64 data at input byte 0'],
    ['{"Name":1,"Colour":2}', 'json: cannot unmarshal number into Go struct field Outer.Name of type string'],
    ['[]', 'json: cannot unmarshal array into Go value of type Outer'],
  ])('%s: %s', (text, message) => {
    expect(() => decodeJson(OUTER, text)).toThrow(message);
  });

  it('a key may have any name, also one that objects have of themselves', () => {
    const { Meta } = decodeJson(OUTER, '{"Meta":{"__proto__":"x","constructor":"y"}}');
    expect(Object.entries(Meta ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(() => decodeJson(OUTER, '{"constructor":1}')).toThrow('unknown field');
  });

  it('describes itself for the reference', () => {
    expect(INNER.schema).toEqual({
      type: 'object',
      properties: { Port: { type: 'integer' }, On: { type: 'boolean' } },
      additionalProperties: false,
    });
  });
});
