import type { Acl } from '../acl/acl.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { DnsOptions } from './options.ts';
import type { Plan } from './prepared.ts';
import type { ReverseIndex } from './reverse.ts';
import type { DnsZone } from './zone.ts';

/** What answers are made of. */
export interface AnswerSource {
  catalog: Catalog;
  /** What may be seen by those who ask: with "" what the agent's own token allows. Undefined for an unknown token. */
  access: Pick<Acl, 'authorizer'>;
  zone: DnsZone;
  options: DnsOptions;
  reverse: ReverseIndex;
  /** There are other name servers to be asked for names that are not ours. */
  recursion: boolean;
  /** What is said about names that stand for nothing; the same object for all of them. */
  nothing: Plan;
  /** The node this server runs on; it stands in for the servers as long as none is registered. */
  node: { name: string; address: string };
}
