import { decodeMessage, encodeQuery, joinLabels, type Message } from '../../lib/dns/message.ts';
import { decodeName, encodeName, labelsOf, WireError } from '../../lib/dns/name.ts';
import { CLASS_IN, RCODE, TYPE } from '../../lib/dns/numbers.ts';
import { emptyQuery, type Query, readQuery } from '../../lib/dns/query.ts';

/**
 * Asks for `name` what was asked for a shorter one. The answer says that the short name is an alias of it; undefined when
 * there is no such name, or nothing under it.
 */
export async function searchedFor(
  name: string,
  { key, type, asker }: Query,
  ask: (packet: Buffer, query: Query) => Promise<Buffer | undefined>,
): Promise<Message | undefined> {
  const target = encodeName(name);
  if (target === undefined) return undefined;
  const packet = encodeQuery(labelsOf(name), { id: 0, type });
  const query = emptyQuery();
  query.asker = asker;
  if (readQuery(packet, query) !== RCODE.NOERROR) return undefined;
  const bytes = await ask(packet, query);
  if (bytes === undefined) return undefined;
  let found: Message;
  try {
    found = decodeMessage(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
  if ((found.flags & 0xf) !== RCODE.NOERROR || found.answers.length === 0) return undefined;
  const short = decodeName(Buffer.from(key, 'latin1'), 0).labels;
  const alias = {
    name: short,
    type: TYPE.CNAME,
    class: CLASS_IN,
    ttl: Math.min(...found.answers.map(({ ttl }) => ttl)),
    rdata: joinLabels(labelsOf(name).map((label) => Buffer.from(label))),
  };
  return {
    ...found,
    flags: RCODE.NOERROR,
    questions: [{ name: short, type, class: CLASS_IN }],
    answers: [alias, ...found.answers],
    authority: [],
    additional: found.additional.filter((record) => record.type !== TYPE.OPT),
  };
}
