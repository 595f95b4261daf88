import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with what it did not test, and why, and one line of real counts: `N passed, N failed`. */
export default class Counts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    const skipped: string[] = [];
    for (const module of modules) {
      // A hook that failed takes its tests with it, and says so only of the suite.
      failed += [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'failed') failed += 1;
        else skipped.push((result.state === 'skipped' && result.note) || 'no reason given');
      }
    }
    for (const why of new Set(skipped)) process.stdout.write(`NOT TESTED (${skipped.filter((other) => other === why).length}): ${why}\n`);
    process.stdout.write(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}\n`);
  }
}
