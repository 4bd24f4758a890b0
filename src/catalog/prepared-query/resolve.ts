import { MusterError } from '../../errors.ts';
import type { PreparedQuery } from '../rows.ts';
import { fold, type Reader } from '../tables.ts';
import { compileTemplate, type QueryTemplate } from './template.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Characters of a name that a template answers to: names come from strangers, and each character costs a look-up for
 * the prefix and a step of the expression. A DNS name has at most 253.
 */
const MAX_NAME = 512;

/** Rows never change, so what was made of one serves as long as the row is there. */
const templates = new WeakMap<PreparedQuery, QueryTemplate>();

/**
 * The query that an ID or a name stands for, by Consul's rules: an ID first, then the query with this very name, then the
 * template with the longest prefix of it. A template is answered rendered for the name. Throws `request.rejected`
 * for the ID of a template, and where a template cannot be rendered.
 */
export function resolveQuery(reader: Reader, idOrName: string): PreparedQuery | undefined {
  if (idOrName === '') throw new MusterError('request.rejected', 'Missing Query ID');
  const folded = fold(idOrName);
  const byId = UUID.test(folded) ? reader.get('queries', folded) : undefined;
  if (byId !== undefined) {
    if (byId.template.type === '') return byId;
    throw new MusterError(
      'request.rejected',
      'prepared query templates can only be resolved up by name, not by ID',
    );
  }
  const query = reader.list('queries', 'name', folded)[0] ?? longestPrefix(reader, folded);
  if (query === undefined || query.template.type === '') return query;
  let template = templates.get(query);
  if (template === undefined) {
    template = compileTemplate(query);
    templates.set(query, template);
  }
  return { ...query, service: template.render(idOrName) };
}

/** Down to the template with an empty name, which answers to every name but those that are too long. */
function longestPrefix(reader: Reader, folded: string): PreparedQuery | undefined {
  if (folded.length > MAX_NAME) return undefined;
  for (let length = folded.length; length >= 0; length--) {
    const [template] = reader.list('queries', 'template', folded.slice(0, length));
    if (template !== undefined) return template;
  }
  return undefined;
}
