/** Go-memdb's words for a text that cannot be a UUID, or undefined. Used where Consul looks sessions up. */
export function uuidLookupError(text: string): string | undefined {
  if (text.length !== 36) return 'UUID must be 36 characters';
  const hyphens = text.split('-').length - 1;
  if (hyphens > 4) return `UUID should have maximum of 4 "-"; got ${hyphens}`;
  const digits = text.replaceAll('-', '');
  if (digits.length % 2 !== 0) return 'Invalid UUID: encoding/hex: odd length hex string';
  const bad = /[^0-9a-fA-F]/u.exec(digits)?.[0];
  if (bad === undefined) return undefined;
  const code = (bad.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  return `Invalid UUID: encoding/hex: invalid byte: U+${code} '${bad}'`;
}

/** Consul's words for a node ID that is no UUID, or undefined. */
export function nodeIdError(text: string): string | undefined {
  if (text.length !== 36) return 'uuid string is wrong length';
  if (!/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text))
    return 'uuid is improperly formatted';
  return undefined;
}
