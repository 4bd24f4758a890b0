import type { Service } from '../catalog/rows.ts';
import type { Query } from './query.ts';

/** The tags that `?tag=` asks for, folded; undefined when the query has none. */
export function tagsOf(query: Query): readonly string[] | undefined {
  return query.has('tag') ? query.all('tag').map((tag) => tag.toLowerCase()) : undefined;
}

/** True when the instance has all of `wanted`; tags compare without regard to case. */
export function hasTags({ tags }: Pick<Service, 'tags'>, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.every((tag) => tags.some((own) => own.toLowerCase() === tag));
}
