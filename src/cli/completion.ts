/** Completion scripts for shells, from the table of verbs. */
import type { Verbs } from './help.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, verbs: Verbs): string {
  return { bash, zsh, fish }[shell](verbs);
}

/** First words, and for families ("kv") their second words. */
function words(verbs: Verbs): { first: Map<string, string>; second: Map<string, string[]> } {
  const first = new Map<string, string>();
  const second = new Map<string, string[]>();
  for (const [name, { summary }] of Object.entries(verbs)) {
    const [head = '', ...rest] = name.split(' ');
    const sub = rest.length === 0 ? undefined : rest.join(' ');
    if (!first.has(head)) first.set(head, sub === undefined ? summary : '');
    if (sub !== undefined) second.set(head, [...(second.get(head) ?? []), sub]);
  }
  return { first, second };
}

const flagsOf = (verbs: Verbs, name: string): string[] => [
  ...Object.keys(verbs[name]!.flags).map((flag) => `-${flag}`),
  '--help',
];

function cases(verbs: Verbs): string {
  return Object.keys(verbs)
    .map((name) => `    '${name}') words='${flagsOf(verbs, name).join(' ')}' ;;`)
    .join('\n');
}

function bash(verbs: Verbs): string {
  const { first, second } = words(verbs);
  const families = [...second]
    .map(([head, subs]) => `      ${head}) words='${subs.join(' ')}' ;;`)
    .join('\n');
  return `# bash completion for muster
_muster() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='' verb=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${[...first.keys(), 'help'].join(' ')}'
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  if [ "$COMP_CWORD" -eq 2 ]; then
    case $verb in
${families}
    esac
  fi
  case "$verb \${COMP_WORDS[2]}" in
${second.size === 0 ? '' : [...second].map(([head]) => `    '${head} '*) verb="$verb \${COMP_WORDS[2]}" ;;`).join('\n')}
  esac
  case $verb in
${cases(verbs)}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) if [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ] && [ "\${words#-}" = "$words" ]; then
         COMPREPLY=($(compgen -W "$words" -- "$current"))
       else
         COMPREPLY=($(compgen -f -- "$current"))
       fi ;;
  esac
}
complete -F _muster muster
`;
}

function zsh(verbs: Verbs): string {
  return `#compdef muster
# zsh completion for muster: bash's, in zsh's clothes
autoload -U +X bashcompinit && bashcompinit
${bash(verbs)}`;
}

/** A text inside single quotes of fish. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

function fish(verbs: Verbs): string {
  const { first, second } = words(verbs);
  const lines = ['# fish completion for muster', 'complete -c muster -f'];
  for (const [head, summary] of first)
    lines.push(
      `complete -c muster -n __fish_use_subcommand -a ${head}${summary === '' ? '' : ` -d ${quoted(summary)}`}`,
    );
  for (const [head, subs] of second)
    for (const sub of subs)
      lines.push(
        `complete -c muster -n '__fish_seen_subcommand_from ${head}; and not __fish_seen_subcommand_from ${subs.join(' ')}' -a ${sub.includes(' ') ? quoted(sub) : sub} -d ${quoted(verbs[`${head} ${sub}`]!.summary)}`,
      );
  for (const [name, { flags }] of Object.entries(verbs)) {
    const condition = name
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    for (const [flag, { summary, kind, choices }] of Object.entries(flags)) {
      const value =
        kind === 'boolean' ? '' : choices === undefined ? ' -r -F' : ` -x -a ${quoted(choices.join(' '))}`;
      lines.push(`complete -c muster -n '${condition}' -o ${flag}${value} -d ${quoted(summary)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
