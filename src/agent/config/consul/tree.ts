/** An HCL file as plain values, with the place of each key, as JSON and TOML files are read. */
import {
  type HclBody,
  HclError,
  type HclItem,
  type HclValue,
  isHclBody,
  parseHcl,
} from '../../../lib/hcl.ts';
import { parseJsonWithPlaces } from '../json-places.ts';
import { type Path, Places, placesIn, SyntaxFault } from '../places.ts';

/** Reads HCL, or JSON where the text begins with "{". Throws `SyntaxFault`. */
export function parseHclWithPlaces(text: string): { value: unknown; places: Places } {
  const source = text.replace(/^\ufeff/, '');
  if (/^\s*\{/.test(source)) return parseJsonWithPlaces(source);
  let body: HclBody;
  try {
    body = parseHcl(source);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    const [, line = '1', column = '1', sentence = error.message] =
      /^At (\d+):(\d+): ([\s\S]*)$/.exec(error.message) ?? [];
    throw new SyntaxFault(sentence, { line: Number(line), column: Number(column) });
  }
  const places = new Places();
  const placeOf = placesIn(source);
  const mark = (path: Path, offset: number) => places.addKey(path, placeOf(offset));
  return { value: table(body.items, [], mark), places };
}

type Mark = (path: Path, offset: number) => void;

/** Blocks of the same name become a list; of other values the last one wins, as HCL has it. */
function table(items: readonly HclItem[], path: Path, mark: Mark): Record<string, unknown> {
  const groups = new Map<string, HclItem[]>();
  for (const item of items) {
    const name = item.keys[0]!.text;
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  // Own properties by definition, so that a key such as "__proto__" is a key like any other.
  return Object.fromEntries(
    [...groups].map(([name, group]) => {
      const own = [...path, name];
      const first = group[0]!;
      mark(own, first.keys[0]!.offset);
      if (group.length === 1 || !group.every(({ value }) => isHclBody(value)))
        return [name, itemValue(group[group.length - 1]!, own, mark)];
      const blocks = group.map((item, at) => {
        mark([...own, at], item.keys[0]!.offset);
        return itemValue(item, [...own, at], mark);
      });
      return [name, blocks];
    }),
  );
}

/** `kind "label" { … }` is a table of labels. */
function itemValue({ keys, value }: HclItem, path: Path, mark: Mark): unknown {
  const [, ...labels] = keys;
  const at = [...path, ...labels.map(({ text }) => text)];
  for (const [index, { offset }] of labels.entries()) mark(at.slice(0, path.length + index + 1), offset);
  return labels.reduceRight<unknown>(
    (inner, { text }) => Object.fromEntries([[text, inner]]),
    plain(value, at, mark),
  );
}

function plain(value: HclValue, path: Path, mark: Mark): unknown {
  if (Array.isArray(value)) return value.map((one, at) => plain(one, [...path, at], mark));
  return isHclBody(value) ? table(value.items, path, mark) : value;
}
