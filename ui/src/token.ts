import { useEffect, useState } from 'preact/hooks';

/**
 * The ACL token of this page: kept in the memory of the tab and nowhere else. A reload forgets it, and so does every
 * place that another script or person could look at.
 */
let secret = '';
const listeners = new Set<() => void>();

export function setToken(next: string): void {
  secret = next;
  for (const listener of listeners) listener();
}

/** Header fields of a request: none without a token, so that the agent's own rules for strangers hold. */
export function tokenHeaders(): Readonly<Record<string, string>> {
  return secret === '' ? {} : { 'X-Consul-Token': secret };
}

/** Calls `listener` whenever there is another token, or none any more. */
export function onToken(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useHasToken(): boolean {
  const [has, setHas] = useState(secret !== '');
  useEffect(() => onToken(() => setHas(secret !== '')), []);
  return has;
}
