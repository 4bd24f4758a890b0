/** Items of a list in one piece: some 50 KB of instances, a millisecond. */
const ITEMS = 128;

/** The text of `JSON.stringify` for an object with long lists, piece by piece, so that others may have their turn in between. */
export function* jsonPieces(object: object): Generator<string> {
  let before = '{';
  for (const [name, value] of Object.entries(object) as [string, unknown][]) {
    if (value === undefined) continue;
    before += `${JSON.stringify(name)}:`;
    if (Array.isArray(value) && value.length > ITEMS) {
      before += '[';
      for (let at = 0; at < value.length; at += ITEMS) {
        yield before + JSON.stringify(value.slice(at, at + ITEMS)).slice(1, -1);
        before = ',';
      }
      before = '],';
    } else {
      yield before + JSON.stringify(value);
      before = ',';
    }
  }
  yield before === '{' ? '{}' : `${before.replace(',', '')}}`;
}
