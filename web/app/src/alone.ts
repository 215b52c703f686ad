// Asks the expert whose page is open what it does to the token that is looked at, under the routing that is set.
// Only the latest question counts, and none is asked while a text is written, so that writing never waits for one.

import type { ExpertAnswer, ExpertQuestion, ModelRouting } from 'moescope';
import type { TokenRecord } from 'moescope/views';

import { PageError, explain } from './errors.js';
import type { Problem } from './errors.js';
import type { Scope } from './engine.js';
import { messages } from './messages.js';
import { sameRouting } from './spec.js';

export interface AloneSubject {
  readonly scope: Scope;
  /** The shown text; another text is another list. */
  readonly records: readonly TokenRecord[];
  readonly question: ExpertQuestion;
  readonly routing: ModelRouting;
  /** Which of the visitor's own routers decides where the routing asks for one. */
  readonly router: number | undefined;
}

export interface AloneState {
  /** What was asked last; none while there is nothing to ask or nobody to answer. */
  readonly question: ExpertQuestion | undefined;
  /** The last answer, which stays in place until the next one is there. */
  readonly answer: ExpertAnswer | undefined;
  readonly asking: boolean;
  readonly failure: Problem | undefined;
}

const NOTHING: AloneState = { question: undefined, answer: undefined, asking: false, failure: undefined };
/** Somebody who walks through a text does not ask about every token on the way. */
const SETTLE_MS = 200;

export class Alone {
  state: AloneState = NOTHING;
  readonly #changed: () => void;
  #subject: AloneSubject | undefined;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Asks soon, unless that was asked already; nothing ends what is under way. */
  ask(subject: AloneSubject | undefined): void {
    if (same(this.#subject, subject)) return;
    this.#stop();
    const before = this.state;
    this.#subject = subject;
    this.state = subject === undefined ? NOTHING : { question: subject.question, answer: before.answer, asking: true, failure: undefined };
    if (subject !== undefined) this.#timer = setTimeout(() => void this.#run(subject), SETTLE_MS);
    this.#changed();
  }

  async #run({ scope, records, question, routing }: AloneSubject): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const ids = records.slice(0, question.position + 1).map(({ token }) => token.id);
      const answer = await scope.askExpert(ids, question, { routing, signal: abort.signal });
      if (this.#abort !== abort) return;
      // A text that another model wrote is other words to this one.
      const strange = answer.token.text !== records[question.position]?.token.text;
      this.#become(strange ? { failure: explain(new PageError('other_text', () => messages.alone.otherText)) } : { answer });
    } catch (error) {
      if (this.#abort === abort) this.#become({ answer: undefined, failure: explain(error) });
    }
  }

  #become(change: Partial<AloneState>): void {
    this.state = { ...this.state, asking: false, ...change };
    this.#changed();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = undefined;
  }
}

function same(a: AloneSubject | undefined, b: AloneSubject | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [{ layer, expert, position }, other] = [a.question, b.question];
  return a.scope === b.scope && a.records === b.records && layer === other.layer && expert === other.expert && position === other.position
    && a.router === b.router && sameRouting(a.routing, b.routing);
}
