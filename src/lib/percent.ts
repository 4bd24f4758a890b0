/** Percent-decoded; what is not valid stays as it is: a lone "%" means itself. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
