import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Source } from '../sources/source.ts';
export interface HaproxySettings {
  readonly socket: string;
  readonly backend: string;
  readonly service: string;
}
export function parseHaproxyFlag(text: string): HaproxySettings {
  return { socket: text, backend: '', service: '' };
}
export function followHaproxy(
  _settings: HaproxySettings,
  _options: { source: Source; clock: Clock; log: Logger },
): { stop(): Promise<void> } {
  return { stop: async () => {} };
}
