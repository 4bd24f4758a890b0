/** Base64 as Go's padded encodings read it: line ends count for nothing, all else that is wrong does. Node reads what it can and skips the rest. */

/** As `Buffer` names them. */
export type Base64Encoding = 'base64' | 'base64url';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const KINDS: Readonly<Record<Base64Encoding, { digits: string; whole: RegExp }>> = {
  base64: {
    digits: `${LETTERS}+/`,
    whole: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  },
  base64url: { digits: `${LETTERS}-_`, whole: /^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?$/ },
};

/** The bytes of a text, or in Go's words what is wrong with it. */
export function readBase64(text: string, encoding: Base64Encoding = 'base64'): Buffer | { fault: string } {
  const { digits, whole } = KINDS[encoding];
  if (whole.test(text.replace(/[\r\n]/g, ''))) return Buffer.from(text, encoding);
  return { fault: `illegal base64 data at input byte ${faultAt(text, digits)}` };
}

/** Where Go gives up on what is not whole: four digits at a time, of which the last two or the last one may be "=" at the end. */
function faultAt(text: string, digits: string): number {
  const behindLineEnds = (from: number): number => {
    let at = from;
    while (text[at] === '\n' || text[at] === '\r') at++;
    return at;
  };
  let count = 0;
  for (let at = behindLineEnds(0); at < text.length; at = behindLineEnds(at + 1)) {
    const char = text[at] as string;
    if (digits.includes(char)) count = (count + 1) % 4;
    else if (char !== '=' || count < 2) return at;
    else {
      const next = behindLineEnds(at + 1);
      if (count === 2 && next === text.length) return next;
      if (count === 2 && text[next] !== '=') return next - 1;
      return behindLineEnds(count === 2 ? next + 1 : next);
    }
  }
  return text.length - count;
}
