/** What others registered or answered, as a terminal may be sent it: its control characters would move cursors and set titles. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** All but line breaks and tabs, those of the upper half too. */
const CONTROL = /[^\P{Cc}\n\t]/gu;
