/** The functions html, js and urlquery. */
import { toBytes } from './bytes.ts';
import { isPrint } from './quote.ts';

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (char) => HTML[char] as string);
}

const code = (char: string): string =>
  `\\u${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;

export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=]|[^ -~]/gu, (char) => {
    if (char === '\\' || char === "'" || char === '"') return `\\${char}`;
    const point = char.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) return '\\uFFFD';
    return point === 0x7f || (point >= 0x80 && isPrint(point)) ? char : code(char);
  });
}

/** Go's url.QueryEscape. */
export function escapeQuery(text: string): string {
  let out = '';
  for (const byte of toBytes(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char;
    else out += byte === 0x20 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
