/** Completion scripts for shells, from the table of verbs. */
import type { WholeVerbs } from './verb.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, verbs: WholeVerbs): string {
  return { bash, zsh, fish }[shell](verbs);
}

/** What may follow the words of a verb so far: "" the first words, "acl" bootstrap, token, …, "acl token" create, … */
function nextWords(verbs: WholeVerbs): Map<string, Map<string, string>> {
  const next = new Map<string, Map<string, string>>();
  for (const [name, { summary }] of Object.entries(verbs)) {
    const words = name.split(' ');
    for (const [at, word] of words.entries()) {
      const before = words.slice(0, at).join(' ');
      const known = next.get(before) ?? new Map<string, string>();
      // The summary is that of the verb, none is that of a family.
      if (!known.has(word) || at === words.length - 1)
        known.set(word, at === words.length - 1 ? summary : '');
      next.set(before, known);
    }
  }
  return next;
}

const flagsOf = (verbs: WholeVerbs, name: string): string[] => [
  ...Object.keys(verbs[name]!.flags).map((flag) => `-${flag}`),
  '--help',
];

/** Where nothing of ours fits, the shell completes files as it always does: folders with a slash. */
const OPTIONS = '-o default -F _muster';

/** The words before the cursor, without flags, are looked up from the longest on: they are a verb's, or lead to some. */
function bash(verbs: WholeVerbs): string {
  const branches = [...nextWords(verbs)].map(
    ([before, words]) =>
      `    '${before}') next='${[...words.keys(), ...(before === '' ? ['help'] : [])].join(' ')}' ;;`,
  );
  const flags = Object.keys(verbs).map(
    (name) => `    '${name}') flags='${flagsOf(verbs, name).join(' ')}' ;;`,
  );
  return `# bash completion for muster
_muster() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' flags='' next='' word
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case $word in
      -*) ;;
      *) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${branches.join('\n')}
  esac
  while [ -n "$path" ]; do
    case $path in
${flags.join('\n')}
    esac
    [ -n "$flags" ] && break
    case $path in
      *' '*) path=\${path% *} ;;
      *) path='' ;;
    esac
  done
  case $current in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) if [ -n "$next" ]; then
         COMPREPLY=($(compgen -W "$next" -- "$current"))
       fi ;;
  esac
}
complete ${OPTIONS} muster
`;
}

function zsh(verbs: WholeVerbs): string {
  return `#compdef muster
# zsh completion for muster: bash's, in zsh's clothes
autoload -U +X bashcompinit && bashcompinit
${bash(verbs)}
# In a folder of fpath this file is loaded by the first completion of all, which is answered here.
if [ "\${funcstack[1]}" = _muster ]; then _bash_complete ${OPTIONS}; fi
`;
}

/** A text inside single quotes of fish. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

function fish(verbs: WholeVerbs): string {
  const lines = ['# fish completion for muster', 'complete -c muster -f'];
  const seen = (words: string): string[] =>
    words === '' ? [] : words.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  for (const [before, words] of nextWords(verbs)) {
    const condition =
      before === ''
        ? '__fish_use_subcommand'
        : [...seen(before), `not __fish_seen_subcommand_from ${[...words.keys()].join(' ')}`].join('; and ');
    for (const [word, summary] of words)
      lines.push(
        `complete -c muster -n '${condition}' -a ${word}${summary === '' ? '' : ` -d ${quoted(summary)}`}`,
      );
  }
  for (const [name, { flags, args }] of Object.entries(verbs)) {
    const condition = seen(name).join('; and ');
    // Words of verbs are no files, what stands behind them may be one.
    if (args.length > 0) lines.push(`complete -c muster -n '${condition}' -F`);
    for (const [flag, { summary, kind, choices }] of Object.entries(flags)) {
      const value =
        kind === 'boolean' ? '' : choices === undefined ? ' -r -F' : ` -x -a ${quoted(choices.join(' '))}`;
      lines.push(`complete -c muster -n '${condition}' -o ${flag}${value} -d ${quoted(summary)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
