// Reads how many tests passed and failed from what each test runner prints.
//
// The rule for a phase is strict: a runner that fails without naming a failed test counts as one
// failure, and a runner that finds no test at all is a failure too, because nothing was checked.

/** Sums every `test result:` line of `cargo test`; undefined when there is none. */
export function parseCargoTest(text) {
  const pattern = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm;
  const total = { passed: 0, failed: 0, skipped: 0 };
  let found = false;
  for (const [, passed, failed, ignored] of text.matchAll(pattern)) {
    found = true;
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(ignored);
  }
  return found ? total : undefined;
}

/** Reads the closing summary of `node --test`, spec or TAP; undefined when there is none. */
export function parseNodeTest(text) {
  const last = (word) => {
    const found = [...text.matchAll(new RegExp(`^(?:ℹ|#) ${word} (\\d+)\\s*$`, 'gm'))].at(-1);
    return found && Number(found[1]);
  };
  const passed = last('pass');
  const failed = last('fail');
  if (passed === undefined || failed === undefined) return undefined;
  return {
    passed,
    failed: failed + (last('cancelled') ?? 0),
    skipped: (last('skipped') ?? 0) + (last('todo') ?? 0),
  };
}

/** Reads vitest's JSON report; undefined when it is not one. */
export function parseVitestJson(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof report?.numPassedTests !== 'number') return undefined;
  const emptySuites = (report.testResults ?? []).filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults?.some((test) => test.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + emptySuites,
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  };
}

/**
 * The parts of a runner's output that describe failed tests, or an empty text.
 *
 * With many test binaries they are far from the end, where a person would look first.
 */
export function failureSections(text) {
  const cargo = [...text.matchAll(/^failures:\n\n(---- [\s\S]*?)\n\nfailures:\n/gm)].map(([, section]) => section);
  const node = /^✖ failing tests:\n([\s\S]*)/m.exec(text);
  return [...cargo, ...(node ? [node[1]] : [])].join('\n').trim();
}

/** Joins a runner's exit code and its counts into the outcome of a phase. */
export function outcome(exitCode, counts) {
  if (!counts) {
    return exitCode === 0
      ? { passed: 0, failed: 1, skipped: 0, reason: 'it reported no test results' }
      : { passed: 0, failed: 1, skipped: 0, reason: `it failed before any test (exit code ${exitCode})` };
  }
  if (exitCode !== 0 && counts.failed === 0) {
    return { ...counts, failed: 1, reason: `exit code ${exitCode} although no test failed` };
  }
  if (counts.passed + counts.failed === 0) return { ...counts, failed: 1, reason: 'it found no tests' };
  return counts.failed > 0 ? { ...counts, reason: `${counts.failed} failed` } : counts;
}

/** Adds outcomes up. */
export function sum(outcomes) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed = 0, failed = 0, skipped = 0 } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}
