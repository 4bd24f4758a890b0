/** Lines of many instances on one terminal, each with the name of the instance in front. */

/** Colours that can be told apart on light and dark ground (ANSI 36, 35, 33, 32, 34, 31 and their bright ones). */
const COLORS = [36, 35, 33, 32, 34, 31, 96, 95, 93, 92, 94, 91];

/** The answer formats a line of `instance`. Names are padded to `width`; without colour they stand alone. */
export function linePrefixer(width: number, color: boolean): (instance: string, line: string) => string {
  const colors = new Map<string, number>();
  return (instance, line) => {
    const name = instance.padEnd(width);
    if (!color) return `${name} | ${line}\n`;
    let code = colors.get(instance);
    if (code === undefined) {
      code = COLORS[colors.size % COLORS.length] as number;
      colors.set(instance, code);
    }
    // The reset at the end: a program that leaves its colour on must not colour the next line.
    return `\u001b[${code}m${name} |\u001b[0m ${line}\u001b[0m\n`;
  };
}
