/** What answers ask of an instance. */
import { aggregate, type Instance } from '../catalog/views.ts';
import type { DnsOptions } from './options.ts';

export function isUsable({ checks }: Instance, { onlyPassing }: Pick<DnsOptions, 'onlyPassing'>): boolean {
  const status = aggregate(checks);
  return status === 'passing' || (status === 'warning' && !onlyPassing);
}

export function hasTag({ service: { tags } }: Instance, tag: string): boolean {
  return tag === '' || tags.some((own) => own.toLowerCase() === tag);
}

export function weightOf({ service: { weights }, checks }: Instance): number {
  return aggregate(checks) === 'warning' ? weights.warning : weights.passing;
}
