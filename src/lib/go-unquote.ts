const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 0x5c,
  '"': 0x22,
};

/**
 * The bytes that a text with the escapes of a Go string stands for: `\n`, `\xFF`, `\101`, `\u00e9`. Undefined for an escape
 * that Go does not have. Unlike there, a quote and a line break may stand for themselves.
 */
export function unquoteGo(text: string): Buffer | undefined {
  const parts: Buffer[] = [];
  let rest = text;
  while (rest !== '') {
    const [plain] = /^[^\\]*/.exec(rest) as RegExpExecArray;
    if (plain !== '') {
      parts.push(Buffer.from(plain));
      rest = rest.slice(plain.length);
      continue;
    }
    const match =
      /^\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (match === null) return undefined;
    const [all, simple, hex, octal, short, long] = match;
    const point = short ?? long;
    if (point !== undefined) {
      const code = Number.parseInt(point, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(code)));
    } else {
      const byte =
        simple === undefined
          ? Number.parseInt(hex ?? octal ?? '', hex === undefined ? 8 : 16)
          : SIMPLE[simple]!;
      if (byte > 255) return undefined;
      parts.push(Buffer.from([byte]));
    }
    rest = rest.slice(all.length);
  }
  return Buffer.concat(parts);
}
