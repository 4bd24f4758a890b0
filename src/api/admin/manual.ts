/** The route commands that operators write by hand: read, written if nobody else wrote in between, listed. */

/** Where they are kept, e.g. a registry's key/value store. */
export interface ManualStore {
  /** Below the manual path, "" for the path itself. */
  read(path: string): Promise<{ readonly value: string; readonly version: string }>;
  /** False when somebody else wrote since `version`. */
  write(path: string, value: string, version: string): Promise<boolean>;
  /** All below the manual path. */
  paths(): Promise<readonly string[]>;
}

/** A larger text is a mistake: a route is a hundred bytes. */
export const MOST_MANUAL = 524_288;

/** The body of a write; undefined when it is none. */
export function parseManual(body: string): { value: string; version: string } | undefined {
  try {
    const { value, version }: { value?: unknown; version?: unknown } = JSON.parse(body) ?? {};
    if (typeof value !== 'string') return undefined;
    const text = typeof version === 'number' ? String(version) : (version ?? '0');
    return typeof text === 'string' && /^\d{1,20}$/.test(text) ? { value, version: text } : undefined;
  } catch {
    return undefined;
  }
}
