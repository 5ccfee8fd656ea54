// `fatty completion`: what shells need to complete command lines of `fatty`.
import type { CAC } from 'cac';
import { EXIT, ExitError } from '../terminal/io.ts';
import { CHART_FORMATS } from './chart-draw.ts';
import type { Register } from './command.ts';

/** A command by name, with its options as typed and what they are for. */
interface Known {
  readonly name: string;
  readonly about: string;
  readonly options: readonly {
    readonly words: readonly string[];
    readonly about: string;
    readonly takesValue: boolean;
  }[];
}

const WORD = /(?:^|[\s,])(--?[a-z][a-z-]*)/g;

function commandsOf(cli: CAC): readonly Known[] {
  const globals = cli.globalCommand.options;
  return cli.commands.map(({ name, description, options }) => ({
    name,
    about: description,
    options: [...options, ...globals].map((option) => ({
      words: Array.from(option.rawName.matchAll(WORD), ([, word = '']) => word),
      about: option.description,
      takesValue: option.isBoolean !== true,
    })),
  }));
}

/** Values that an option takes one of, by its long name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--as': CHART_FORMATS,
  '--output': ['table', 'json'],
  '--level': ['delivered', 'committed', 'linearizable'],
};
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** In single quotes, as every shell reads them. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function valuesOf(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => VALUES[word] ?? []);
}

function bash(commands: readonly Known[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const cases = commands.map(({ name, options }) => {
    const words = options.flatMap((option) => option.words).join(' ');
    return `    ${name}) words=${quoted(words)} ;;\n`;
  });
  const all = commands.flatMap(({ options }) => options);
  const valued = new Map(
    all
      .filter(({ words }) => valuesOf(words).length > 0)
      .map(({ words }) => [words.join('|'), valuesOf(words).join(' ')]),
  );
  const values = [...valued].map(([words, list]) => `    ${words}) words=${quoted(list)} ;;\n`);
  return `# fatty completion bash > /etc/bash_completion.d/fatty, or: source <(fatty completion bash)
_fatty() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(names)} -- "$word"))
    return
  fi
  case "$before" in
${values.join('')}    *) case "$word" in -*) case "\${COMP_WORDS[1]}" in
${cases.join('')}    esac ;; esac ;;
  esac
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _fatty fatty
`;
}

function zsh(commands: readonly Known[]): string {
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&');
  const names = commands.map(({ name, about }) => `    ${quoted(`${name}:${escaped(about)}`)}\n`);
  const cases = commands.map(({ name, options }) => {
    const lines = options.flatMap(({ words, about, takesValue }) =>
      words.map((word) => {
        const list = valuesOf(words);
        const value = list.length > 0 ? `:value:(${list.join(' ')})` : ':value:_files';
        return quoted(`${word}[${escaped(about)}]${takesValue ? value : ''}`);
      }),
    );
    return `    ${name}) _arguments ${lines.join(' ')} '*:argument:_files' ;;\n`;
  });
  return `#compdef fatty
# fatty completion zsh > a folder of $fpath, as _fatty; or: source <(fatty completion zsh)
_fatty() {
  local -a commands
  commands=(
${names.join('')}  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
${cases.join('')}    *) _files ;;
  esac
}
if [ "$funcstack[1]" = _fatty ]; then _fatty "$@"; else compdef _fatty fatty; fi
`;
}

function fish(commands: readonly Known[]): string {
  const lines = commands.flatMap(({ name, about, options }) => [
    `complete -c fatty -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
    ...options.map(({ words, about: what, takesValue }) => {
      const flags = words.map((word) =>
        word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
      );
      const list = valuesOf(words);
      const value = list.length > 0 ? ` -x -a ${quoted(list.join(' '))}` : takesValue ? ' -r' : '';
      const when = quoted(`__fish_seen_subcommand_from ${name}`);
      return `complete -c fatty -n ${when} ${flags.join(' ')}${value} -d ${quoted(what)}`;
    }),
  ]);
  return `# fatty completion fish > ~/.config/fish/completions/fatty.fish\n${lines.join('\n')}\n`;
}

const SCRIPTS: Readonly<Record<string, (commands: readonly Known[]) => string>> = {
  bash,
  zsh,
  fish,
};

/** completion SHELL. */
export const registerCompletion: Register = ({ cli, io, run }) => {
  cli
    .command('completion <shell>', `Print what completes command lines: ${SHELLS.join(', ')}`)
    .action(
      run(async (shell: string) => {
        const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
        if (script === undefined) {
          const expected = `${SHELLS.join(', ')}`;
          throw new ExitError(EXIT.usage, `completion: expected ${expected}, got ${shell}`);
        }
        io.out(script(commandsOf(cli)));
        return EXIT.done;
      }),
    );
};
