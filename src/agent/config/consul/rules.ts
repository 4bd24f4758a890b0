/** What a key of Consul's configuration can come to mean here. */

/** `why` begins a sentence behind the key's name: `encrypt has no effect: …`. */
export type Rule =
  | { readonly kind: 'sets'; readonly key: string; readonly as: (value: unknown) => unknown }
  | { readonly kind: 'section'; readonly keys: Rules; readonly isStrict: boolean }
  | { readonly kind: 'services' }
  | { readonly kind: 'checks' }
  | { readonly kind: 'watches' }
  | { readonly kind: 'idle'; readonly why: string; readonly granted: readonly unknown[] };

export type Rules = Readonly<Record<string, Rule>>;

/** Sets one of our keys, "node.data_dir". */
export const sets = (key: string, as: (value: unknown) => unknown = (value) => value): Rule => ({
  kind: 'sets',
  key,
  as,
});

/** A table whose keys have rules of their own. */
export const section = (keys: Rules): Rule => ({ kind: 'section', keys, isStrict: false });

/** One in which what nobody knows is a fault and no warning, as it is everywhere with Consul: a slip would leave a door open. */
export const strictSection = (keys: Rules): Rule => ({ kind: 'section', keys, isStrict: true });

/** Accepted; a warning says why it has no effect, unless what it asks for is what happens anyway. */
export const idle = (why: string, ...granted: readonly unknown[]): Rule => ({ kind: 'idle', why, granted });

/** Accepted in silence: what it asks for cannot be noticed to be missing. */
export const NEEDLESS: Rule = { kind: 'idle', why: '', granted: [] };

/** Keys are the same in any case, with underscores or without: `NodeName`, `node_name`, `nodename`. */
export function bare(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}
