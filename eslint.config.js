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

const roomRules = rooms.map((room, index) => {
  const later = rooms.slice(index + 1);
  const closed = Object.entries(doors).filter(
    ([, files]) => !files.some((f) => f.startsWith(`src/${room}/`) && f.includes('**')),
  );
  return { files: [`src/${room}.ts`, `src/${room}/**/*.ts`], rules: importRules(room, later, closed) };
});

/** What a room may not import, whether at its start or when it is needed. */
function importRules(room, later, closed) {
  const message = (one) =>
    `${room} comes before ${one}: a room imports only from those above it (CONTRIBUTING.md, map of rooms)`;
  const door = (name, files) => `${name} has one door: ${files.join(', ')}`;
  const when = (pattern) => `ImportExpression[source.value=/${pattern}/]`;
  return {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...later.map((one) => ({ group: [`**/${one}.js`, `**/${one}/**`], message: message(one) })),
          ...closed.map(([name, files]) => ({ group: [name, `${name}/*`], message: door(name, files) })),
        ],
      },
    ],
    'no-restricted-syntax': [
      'error',
      ...restrictedSyntax,
      ...later.map((one) => ({ selector: when(`\\u002f${one}(\\.js$|\\u002f)`), message: message(one) })),
      ...closed.map(([name, files]) => ({
        selector: when(`^${name}($|\\u002f)`),
        message: door(name, files),
      })),
    ],
  };
}

/** The one file that may import execa. */
const spawnRules = importRules(
  'processes',
  rooms.slice(rooms.indexOf('processes') + 1),
  Object.entries(doors).filter(([name]) => name !== 'execa'),
);

const inDoors = [
  { files: ['src/processes/spawn.ts'], rules: spawnRules },
  {
    files: ['src/surroundings.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-syntax': 'off' },
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
