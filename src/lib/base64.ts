/** Base64 as Go's standard encoding reads it: padded, line ends count for nothing. Node reads what it can and skips the rest. */

const WHOLE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of a text, or in Go's words what is wrong with it. */
export function readBase64(text: string): Buffer | { fault: string } {
  const compact = text.replace(/[\r\n]/g, '');
  if (WHOLE.test(compact)) return Buffer.from(compact, 'base64');
  const end = compact.search(/[^A-Za-z0-9+/]/);
  return { fault: `illegal base64 data at input byte ${end < 0 ? compact.length : end}` };
}
