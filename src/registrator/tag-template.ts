import type { ContainerDetails } from '../docker/types.ts';
import { splitTags } from './tags.ts';

/** `-tags` for one container. Throws when the template cannot be carried out on it. */
export type TagTemplate = (container: ContainerDetails) => readonly string[];

/** Tags that are the same for all. */
export function tagTemplate(text: string): TagTemplate {
  const tags = splitTags(text);
  return () => tags;
}
