/**
 * `{ ...of, ...more }`, for objects that are many or made often. What is added behind a spread gives every object a shape of its own (V8 11): three
 * to four times the memory, five times the time, and slow to read ever after. Here all that a place makes have one shape.
 */
export function extend<Of extends object, More extends object>(
  of: Of,
  more: More,
): Omit<Of, keyof More> & More {
  return Object.assign({}, more, of, more);
}
