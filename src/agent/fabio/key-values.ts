/** "value;key=value;key=\"a,b\", …": how fabio writes listeners, certificate sources and authentication schemes. */

/** One entry for each comma; the value without a key has the key "". A sentence when a quote is not closed. */
export function parseKeyValues(text: string): Map<string, string>[] | string {
  const entries: Map<string, string>[] = [];
  let entry = new Map<string, string>();
  let key = '';
  let word = '';
  let hasKey = false;
  let quote = '';
  /** Nothing but white space since the last sign: a quote begins a text here, and is a part of it anywhere else. */
  let isFresh = true;
  let isEscaped = false;
  const endWord = () => {
    const value = word.trim();
    if (hasKey || value !== '') entry.set(hasKey ? key.trim() : '', value);
    key = word = '';
    hasKey = false;
  };
  const endEntry = () => {
    endWord();
    if (entry.size > 0) entries.push(entry);
    entry = new Map();
  };
  for (const char of text) {
    if (isEscaped) {
      isEscaped = false;
      word += char;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else if (char === '\\') isEscaped = true;
      else word += char;
    } else if (isFresh && (char === '"' || char === "'")) {
      quote = char;
      isFresh = false;
    } else {
      isFresh = ',;='.includes(char) || (isFresh && char.trim() === '');
      if (char === ',') endEntry();
      else if (char === ';') endWord();
      else if (char === '=' && !hasKey) {
        key = word;
        word = '';
        hasKey = true;
      } else word += char;
    }
  }
  if (quote !== '') return `a ${quote} is not closed in ${text}`;
  endEntry();
  return entries;
}
