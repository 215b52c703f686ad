// Shows what is being done and how far it is: step i of n, what it says of itself, time so far.
//
// On a terminal the running step is one line that rewrites itself. Elsewhere (a log, CI) the step is
// announced once and then says where it is about every half minute.

import { CommandFailed, tail } from './run.mjs';

/** A step that failed: which, why, what to type by hand. */
export class StepFailed extends Error {
  constructor(message, { remedy, details = [] } = {}) {
    super(message);
    this.name = 'StepFailed';
    this.code = 'step_failed';
    this.remedy = remedy;
    this.details = details;
  }
}

/** `12 min 4 s`, `8.2 s`. */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Prints steps. `total` is how many there will be; `quietMs` holds the first line of a step back. */
export class Reporter {
  #stream;
  #tty;
  #every;
  #now;
  #index = 0;
  #current;

  constructor({ total, stream = process.stdout, tty = stream.isTTY === true && !process.env.CI, everyMs = 30_000, now = Date.now, quietMs = 0 } = {}) {
    this.total = total;
    this.quietMs = quietMs;
    this.#stream = stream;
    this.#tty = tty;
    this.#every = everyMs;
    this.#now = now;
  }

  /** Runs one step; `work(say)` calls `say(text)` with where it is, and returns a closing note or nothing. */
  async step(title, work) {
    this.#index += 1;
    const step = { title, label: `[${this.#index}/${this.total}] ${title}`, started: this.#now(), status: '', shown: 0, announced: false };
    this.#current = step;
    const timer = setInterval(() => this.#tick(step), this.#tty ? 500 : Math.min(this.#every, 1_000));
    if (this.#tty && this.quietMs === 0) this.#tick(step);
    try {
      const note = await work((status) => { step.status = status; });
      this.#close(step, note ?? 'done');
      return note;
    } catch (error) {
      this.quietMs = 0;
      this.#close(step, 'FAILED');
      throw error;
    } finally {
      clearInterval(timer);
      this.#current = undefined;
    }
  }

  /** Prints a line of its own. */
  line(text = '') {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  #tick(step) {
    const elapsed = this.#now() - step.started;
    if (elapsed < this.quietMs) return;
    const where = step.status === '' ? '' : ` - ${step.status}`;
    if (this.#tty) {
      const text = `${step.label}${where} (${duration(elapsed)})`;
      this.#stream.write(`\r\x1b[2K${text.slice(0, (this.#stream.columns ?? 100) - 1)}`);
    } else if (!step.announced) {
      this.#stream.write(`${step.label} ...\n`);
    } else if (elapsed - step.shown >= this.#every) {
      step.shown = elapsed;
      this.#stream.write(`      ${step.status || 'running'} (${duration(elapsed)})\n`);
    }
    step.announced = true;
  }

  #close(step, note) {
    const elapsed = this.#now() - step.started;
    if (elapsed < this.quietMs) return;
    this.#clear();
    const label = this.#tty || !step.announced ? step.label : `[${this.#index}/${this.total}]`;
    this.#stream.write(`${label}: ${note} (${duration(elapsed)})\n`);
  }

  #clear() {
    if (this.#tty && this.#current?.announced) this.#stream.write('\r\x1b[2K');
  }
}

/** Lines that tell a person what went wrong: why, the last output, what to type. */
export function explain(error) {
  const lines = [error.message];
  if (error instanceof CommandFailed) {
    lines.push(...tail(error.result.output).map((line) => `    ${line}`));
    lines.push('What to type by hand:', `    ${error.byHand ?? error.commandLine}`);
  }
  if (error instanceof StepFailed) {
    lines.push(...error.details.map((line) => `    ${line}`));
    if (error.remedy) lines.push('What to type by hand:', ...error.remedy.split('\n').map((line) => `    ${line}`));
  }
  if (!(error instanceof CommandFailed) && !(error instanceof StepFailed) && error.stack) lines.push(error.stack);
  return lines;
}

/** Runs steps in order, each `{ title, run(say) }`; ends the process with an explanation when one fails. */
export async function runSteps(steps, options = {}) {
  const reporter = new Reporter({ total: steps.length, ...options });
  for (const [index, step] of steps.entries()) {
    try {
      await reporter.step(step.title, step.run);
    } catch (error) {
      reporter.line(`Step ${index + 1} of ${steps.length} failed: ${step.title}.`);
      for (const line of explain(error)) reporter.line(line);
      process.exit(1);
    }
  }
}
