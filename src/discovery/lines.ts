import type { Logger } from '../lib/log.ts';
import type { Backend, BackendPattern } from './backend.ts';

/** One backend a line; lines that name none are told of and passed over. */
export function backendsOfLines(text: string, pattern: BackendPattern, kind: string, log: Logger): Backend[] {
  const backends: Backend[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const backend = pattern.read(line);
    if (backend === undefined)
      log.warn('a line that names no backend is passed over', { kind, line: line.slice(0, 200) });
    else backends.push(backend);
  }
  return backends;
}
