import tseslint from 'typescript-eslint';

/**
 * The rooms of src/ in the order in which they may be imported: each room may
 * import from those before it and from itself, never from those after it.
 */
export const rooms = [
  'errors',
  'events',
  'durable-file',
  'make-directory',
  'remove-tree',
  'shell-quote',
  'option-files',
  'config',
  'surroundings',
  'certificates',
  'datadir',
  'plan',
  'processes',
  'page-cache',
  'transfers',
  'sst-script',
  'observe',
  'control',
  'agent',
  'check',
  'cli',
];

/** What src/surroundings.ts alone may touch, by property of which global object. */
const surroundings = {
  process: ['env', 'getuid', 'geteuid', 'getgid', 'getegid'],
  Date: ['now'],
};
const askSurroundings = 'has one door: src/surroundings.ts';

const restrictedSyntax = [
  {
    selector: ":matches(NewExpression[arguments.length=0], CallExpression)[callee.name='Date']",
    message: `the clock ${askSurroundings}`,
  },
  {
    selector: `ImportDeclaration[source.value=/^(node:)?process$/] > :matches(ImportDefaultSpecifier, ImportNamespaceSpecifier, ImportSpecifier[imported.name=/^(${surroundings.process.join('|')})$/])`,
    message: askSurroundings,
  },
];

/** Packages with side effects that one room alone may use: package to the files that may import it. */
const doors = {
  execa: ['src/processes/spawn.ts'],
  'node-forge': ['src/certificates/**/*.ts'],
  pino: ['src/observe/**/*.ts'],
  yargs: ['src/cli/**/*.ts'],
};

/** What is not to be imported at `place`, a file or a directory of the room: the rooms below, and packages that have their door elsewhere. */
function barred(room, place) {
  const isDoor = (files) => files.some((file) => file === place || file === `${place}**/*.ts`);
  return [
    ...rooms.slice(rooms.indexOf(room) + 1).map((later) => ({
      group: [`**/${later}.js`, `**/${later}/**`],
      pattern: `\\u002f${later}(\\.js$|\\u002f)`,
      message: `${room} comes before ${later}: a room imports only from those above it (CONTRIBUTING.md, map of rooms)`,
    })),
    ...Object.entries(doors)
      .filter(([, files]) => !isDoor(files))
      .map(([name, files]) => ({
        group: [name, `${name}/*`],
        pattern: `^${name}($|\\u002f)`,
        message: `${name} has one door: ${files.join(', ')}`,
      })),
  ];
}

/** Neither at a module's start nor when it is needed. */
function importRules(room, place, syntax = restrictedSyntax) {
  const all = barred(room, place);
  return {
    'no-restricted-imports': ['error', { patterns: all.map(({ group, message }) => ({ group, message })) }],
    'no-restricted-syntax': [
      'error',
      ...syntax,
      ...all.map(({ pattern, message }) => ({
        selector: `ImportExpression[source.value=/${pattern}/]`,
        message,
      })),
    ],
  };
}

const roomRules = rooms.map((room) => ({
  files: [`src/${room}.ts`, `src/${room}/**/*.ts`],
  rules: importRules(room, `src/${room}/`),
}));

const inDoors = [
  { files: ['src/processes/spawn.ts'], rules: importRules('processes', 'src/processes/spawn.ts') },
  {
    files: ['src/surroundings.ts'],
    rules: {
      ...importRules('surroundings', 'src/surroundings.ts', []),
      'no-restricted-properties': 'off',
    },
  },
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.tap/**'] },
  ...tseslint.configs.strictTypeChecked.map((c) => ({ ...c, files: ['src/**/*.ts', 'test/**/*.ts'] })),
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-control-regex': 'off',
      // Two fifths of the time of the whole run, for nothing: there are no enums here, and an object that only looks like a class
      // lacks its private fields, which the compiler sees.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'exit',
          message: 'set process.exitCode in cli/main.ts: exit() loses output',
        },
        ...Object.entries(surroundings).flatMap(([object, properties]) =>
          properties.map((property) => ({ object, property, message: askSurroundings })),
        ),
      ],
      'no-restricted-syntax': ['error', ...restrictedSyntax],
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'nothing here talks HTTP to the outside' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An async function without await ends a tap test when it has returned or thrown.
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...roomRules,
  ...inDoors,
);
