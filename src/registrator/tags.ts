/** Tags of a list with commas; `\,` is a comma inside a tag. Empty ones are passed over. */
export function splitTags(text: string): string[] {
  const tags: string[] = [];
  let tag = '';
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && text[at + 1] === ',') {
      tag += ',';
      at++;
    } else if (text[at] === ',') {
      if (tag !== '') tags.push(tag);
      tag = '';
    } else tag += text[at];
  }
  if (tag !== '') tags.push(tag);
  return tags;
}
