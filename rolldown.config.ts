import { defineConfig } from 'rolldown';

/** The program as it is installed: our own modules in few files, as each that Node has to find and read takes a millisecond of every start. */
export default defineConfig({
  input: {
    start: 'src/cli/start.mjs',
    index: 'src/index.ts',
    // A thread loads it, and should load no more than that.
    tasks: 'src/vault/tasks.ts',
  },
  platform: 'node',
  external: /^[^./]/,
  output: {
    // As deep as sources are, which look for package.json and docs/ above them.
    dir: 'dist/src/cli',
    entryFileNames: ({ name }) => (name === 'start' ? '[name].mjs' : '[name].js'),
    chunkFileNames: '[name]-[hash].js',
  },
});
