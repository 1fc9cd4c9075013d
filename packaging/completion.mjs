// The bash completion, from the command line's own help. It needs bash alone, none of bash-completion's helpers.

/** Options and arguments whose values are names of files; readline completes them. */
const files = new Set([
  ...['--defaults-file', '--defaults-extra-file', '--socket', '--server'],
  ...['certs show <what>', 'certs bundle <out>', 'certs bundle <files..>', 'certs revoke <certificates..>'],
]);
const directories = new Set([
  ...['--dir', '--ca-dir', '--node-dir', '--datadir', '--state-dir', '--scratch', '--to'],
]);

/** Text of the file that bash-completion loads for the command. */
export function bashCompletion({ commands }) {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0]))];
  const groups = firsts.filter((first) => commands.some(({ name }) => name.startsWith(`${first} `)));
  return `# bash completion for galera-sst-tunnel: commands, their options and what these may be, and ids of transfers.
_galera_sst_tunnel() {
    local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]} words=
    COMPREPLY=()
    # For bash --option=value is three words.
    if [ "$word" = = ]; then
        word=
    elif [ "$before" = = ]; then
        before=\${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $command in
        ${groups.join(' | ')}) [ "$COMP_CWORD" = 2 ] || command="$command \${COMP_WORDS[2]}" ;;
    esac
    if [ "$COMP_CWORD" = 1 ]; then
        words='${[...firsts, '--help', '--version'].join(' ')}'
    else
        case "$command $before" in
${valueCases(commands).join('\n')}
            *)
                case $command in
${groups.map((group) => `                    ${group}) words='${secondsOf(commands, group).join(' ')} --help' ;;`).join('\n')}
${commands.map((command) => wordCase(command, firsts)).join('\n')}
                esac
                ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

# What readline completes by itself: -o default for files, -o dirnames for directories.
_galera_sst_tunnel_names() {
    compopt -o "$1" 2>/dev/null
    COMPREPLY=()
}

_galera_sst_tunnel_ids() {
    galera-sst-tunnel history --json 2>/dev/null | sed -n 's/^ *"id": "\\([0-9a-f]\\{8\\}\\).*/\\1/p'
}

complete -F _galera_sst_tunnel galera-sst-tunnel
`;
}

const secondsOf = (commands, group) =>
  commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.split(' ')[1]);

/** What follows an option: the words that it may be, names of files or directories, or something that nobody can know. */
function valueCases(commands) {
  const all = commands.flatMap(({ name, options }) =>
    options.map(({ flags, text }) => ({
      name,
      flags,
      then: takesValue(text) ? actionFor(flags, choicesOf(text)) : '',
    })),
  );
  const isTheSame = ({ flags, then }) => all.every((one) => one.flags !== flags || one.then === then);
  const cases = new Map();
  for (const one of all.filter(({ then }) => then !== '')) {
    const pattern = isTheSame(one) ? `*' ${one.flags}'` : `'${one.name} ${one.flags}'`;
    cases.set(one.then, (cases.get(one.then) ?? new Set()).add(pattern));
  }
  return [...cases].map(([then, patterns]) => `            ${[...patterns].join(' | ')}) ${then} ;;`);
}

const takesValue = (text) => /\[(string|number|array|choices: .*)\]/.test(text);

function actionFor(name, choices) {
  if (choices.length > 0) return `words='${choices.join(' ')}'`;
  if (files.has(name)) return '_galera_sst_tunnel_names default; return';
  if (directories.has(name)) return '_galera_sst_tunnel_names dirnames; return';
  return 'return';
}

/** The options of a command, and what else its words may be. */
function wordCase({ name, options, positionals, synopsis }, firsts) {
  if (name === 'help')
    return `                    help) [ "$COMP_CWORD" != 2 ] || words='${firsts.join(' ')}' ;;`;
  const lines = [`words='${options.map(({ flags }) => flags).join(' ')}'`];
  const isOption = '[[ $word = -* ]] ||';
  const [place] = positionals;
  const choices = choicesOf(place?.text ?? '');
  if (choices.length > 0)
    lines.push(`[ "$COMP_CWORD" != ${name.split(' ').length + 1} ] || words='${choices.join(' ')} --help'`);
  if (positionals.some((one) => one.name === 'id'))
    lines.push(`${isOption} words="$words $(_galera_sst_tunnel_ids)"`);
  const named = [...synopsis.matchAll(/[<[][a-z.]+[>\]]/g)].map(([word]) => `${name} ${word}`);
  if (named.some((one) => files.has(one)))
    lines.push(`${isOption} { _galera_sst_tunnel_names default; return; }`);
  return `                    '${name}')
${lines.map((line) => `                        ${line}`).join('\n')}
                        ;;`;
}

/** The words of \`[choices: "a", "b"]\`. */
function choicesOf(text) {
  const choices = /\[choices: ([^\]]*)\]/.exec(text)?.[1] ?? '';
  return [...choices.matchAll(/"([^"]+)"/g)].map(([, word]) => word);
}
