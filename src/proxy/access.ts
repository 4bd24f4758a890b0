/** Who may connect: rules on addresses, the first that fits decides. */
import { type AddressRange, addressBytes, addressRange, isInRange } from '../lib/ip.ts';

/** Plain data: goes to the workers as it is. */
export interface AccessSpec {
  readonly rules: readonly AccessRule[];
  /** For addresses that no rule is about. */
  readonly allowOthers: boolean;
}

export interface AccessRule {
  readonly allow: boolean;
  readonly range: AddressRange;
}

/** "allow 10.0.0.0/8" or "deny ::1"; undefined for anything else. */
export function parseAccessRule(text: string): AccessRule | undefined {
  const [, verb, address = ''] = /^\s*(allow|deny)\s+(\S+)\s*$/.exec(text) ?? [];
  const range = addressRange(address);
  return verb === undefined || range === undefined ? undefined : { allow: verb === 'allow', range };
}

/** An address that cannot be read has no access. */
export function mayConnect({ rules, allowOthers }: AccessSpec, address: string): boolean {
  const bytes = addressBytes(address);
  if (bytes === undefined) return false;
  for (const { allow, range } of rules) if (isInRange(bytes, range)) return allow;
  return allowOthers;
}
