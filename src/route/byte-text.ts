/**
 * Bytes kept as text, one character (0 to 255) for each: a short array of bytes takes ten times the memory of a text, and there are
 * as many of them as there are routes.
 */

/** A text as its bytes in UTF-8; the very same text, nearly always, since hosts and paths are ASCII. */
export function byteText(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1');
  return text;
}
