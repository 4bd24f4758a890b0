/** A token (RFC 9110 §5.6.2), as names of header fields and of cookies are. */
export function isFieldName(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}
