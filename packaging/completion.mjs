// The bash completion, from the command line's own help.

/** Text of the file that bash-completion loads for the command. */
export function bashCompletion({ commands }) {
  const words = (command) => [
    ...command.options.flatMap(({ flags }) => flags.split(', ').filter((flag) => flag.startsWith('--'))),
    ...choicesOf(command.positionals[0]?.text ?? ''),
  ];
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0]))];
  const seconds = (first) =>
    commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name.split(' ')[1]);
  const cases = firsts.map((first) => {
    const own = commands.filter(({ name }) => name === first || name.startsWith(`${first} `)).flatMap(words);
    const all = [...new Set([...seconds(first), ...own])].sort();
    return `        ${first}) words='${all.join(' ')}' ;;`;
  });
  return `# bash completion for galera-sst-tunnel: commands, their options, and ids of transfers.
_galera_sst_tunnel() {
    local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    case $before in
        --socket | --state-dir | --*-file | --datadir)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --log-format) words='json pretty' ;;
    esac
    if [ "$COMP_CWORD" = 1 ]; then
        words='${[...firsts, '--help', '--version'].join(' ')}'
    elif [ -z "$words" ]; then
        case \${COMP_WORDS[1]} in
${cases.join('\n')}
        esac
        case \${COMP_WORDS[1]} in
            show | abort | throttle)
                words="$words $(galera-sst-tunnel history --json 2>/dev/null |
                    sed -n 's/^ *"id": "\\([0-9a-f]\\{8\\}\\).*/\\1/p')"
                ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _galera_sst_tunnel galera-sst-tunnel
`;
}

/** The words of \`[choices: "a", "b"]\`. */
function choicesOf(text) {
  const choices = /\[choices: ([^\]]*)\]/.exec(text)?.[1] ?? '';
  return [...choices.matchAll(/"([^"]+)"/g)].map(([, word]) => word);
}
