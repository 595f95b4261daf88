import { defineConfig } from 'vitest/config';

const reporters = ['default', './test/reporter.ts'];

export default defineConfig({
  test: {
    reporters,
    // Most of a test's time is waiting for clouds and programs, not computing.
    maxWorkers: 3,
    // Where programs under test keep what they compile: each would have a cache folder of its own otherwise.
    env: { NODE_COMPILE_CACHE: new URL('node_modules/.cache/node', import.meta.url).pathname },
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/lab/**'], testTimeout: 120_000, hookTimeout: 120_000 } },
      // Real clouds: one suite after the other, they share two projects.
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], testTimeout: 420_000, hookTimeout: 420_000, fileParallelism: false } },
    ],
  },
});
