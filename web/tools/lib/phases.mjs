// Runs the phases of `npm test` one after the other and adds up what they found.
//
// A failed phase does not stop the rest. A phase that needs a failed one is not run and counts as
// one failure with that reason, so nothing is left out silently.

import { sum } from './counts.mjs';
import { duration, explain, StepFailed } from './report.mjs';

/** The chosen phases and all they need, in their given order; throws on an unknown name. */
export function choose(phases, ids) {
  const byId = new Map(phases.map((phase) => [phase.id, phase]));
  const wanted = new Set();
  const add = (id) => {
    const phase = byId.get(id);
    if (!phase) throw new StepFailed(`there is no phase ${id}; allowed: ${[...byId.keys()].join(', ')}`);
    if (wanted.has(id)) return;
    wanted.add(id);
    (phase.needs ?? []).forEach(add);
  };
  ids.forEach(add);
  return phases.filter((phase) => wanted.has(phase.id));
}

/**
 * Runs phases `{ id, title, needs, run(say) }`.
 *
 * `run` returns counts `{ passed, failed, skipped, reason, details }`, or a note (a text) for work that
 * is not a test. Returns one outcome per phase.
 */
export async function runPhases(phases, reporter) {
  const outcomes = [];
  for (const phase of phases) {
    const broken = outcomes.find((done) => phase.needs?.includes(done.id) && !done.usable);
    const started = Date.now();
    const result = broken ? notRun(broken) : await runPhase(phase, reporter);
    if (broken) await reporter.step(phase.title, async () => `NOT RUN: ${result.reason}`);
    outcomes.push({ ...result, id: phase.id, title: phase.title, ms: Date.now() - started });
    for (const line of result.details ?? []) reporter.line(`    ${line}`);
  }
  return outcomes;
}

async function runPhase(phase, reporter) {
  let result;
  try {
    await reporter.step(phase.title, async (say) => {
      result = normalise(await phase.run(say));
      return result.failed > 0 ? `FAILED: ${describe(result)}` : describe(result);
    });
  } catch (error) {
    const [reason, ...details] = explain(error);
    result = { passed: 0, failed: 1, skipped: 0, reason, details: [reason, ...details] };
  }
  return { ...result, usable: result.failed === 0 };
}

function normalise(result) {
  return typeof result === 'object' && result !== null
    ? { passed: 0, failed: 0, skipped: 0, ...result }
    : { passed: 0, failed: 0, skipped: 0, note: result ?? 'done' };
}

function notRun(broken) {
  return { passed: 0, failed: 1, skipped: 0, usable: false, reason: `it needs "${broken.title}", which failed` };
}

function describe({ passed, failed, skipped, note, reason }) {
  if (passed + failed + skipped === 0) return note ?? 'done';
  const counts = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(', ');
  return reason && failed > 0 && !reason.startsWith(`${failed} failed`) ? `${counts} (${reason})` : counts;
}

/** The closing table and the last line, `N passed, N failed`. */
export function summary(outcomes, totalMs) {
  const width = Math.max(...outcomes.map(({ title }) => title.length));
  const lines = ['', 'Time of each phase:'];
  for (const result of outcomes) {
    lines.push(`  ${result.title.padEnd(width)}  ${duration(result.ms).padStart(12)}  ${describe(result)}`);
  }
  lines.push(`  ${'all'.padEnd(width)}  ${duration(totalMs).padStart(12)}`, '');
  const { passed, failed, skipped } = sum(outcomes);
  if (skipped > 0) lines.push(`${skipped} skipped by the tests themselves (see the phases above)`);
  lines.push(`${passed} passed, ${failed} failed`);
  return { lines, failed };
}
