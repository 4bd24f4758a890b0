/**
 * `$NAME` and `${NAME}` in a command or variable, filled in from `env`; `$$` is a dollar. A name that is not
 * known stays as it is, so that a shell further down can have it.
 */
export function substitute(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
    if (whole === '$$') return '$';
    const name = bare ?? braced ?? '';
    return Object.hasOwn(env, name) ? (env[name] as string) : whole;
  });
}
