/** The text that bytes in base64 are; undefined when they are no UTF-8. */
export function textOf(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The same for what is only looked at: text with signs that cannot be seen (but for tabs and the ends of lines) is none. */
export function readableTextOf(base64: string): string | undefined {
  const text = textOf(base64);
  return text === undefined || /[^\P{Cc}\t\r\n]/u.test(text) ? undefined : text;
}
