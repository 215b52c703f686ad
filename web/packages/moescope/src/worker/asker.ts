// The worker's side of an external router: sends questions to the page and keeps who waits for which answer.

import type { ExternalAnswer, ExternalQuestion, FromWorker } from '../internal/protocol.js';
import type { WirePlan } from '../internal/plan.js';
import type { DecideFunction } from './engine.js';

interface Waiting {
  readonly resolve: (plan: WirePlan) => void;
  readonly reject: (reason: Error) => void;
}

export class Asker {
  readonly #post: (message: FromWorker, transfer: ArrayBuffer[]) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(post: (message: FromWorker, transfer: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** What the engine calls for each layer that asks. */
  readonly decide: DecideFunction = (input: ExternalQuestion) =>
    new Promise((resolve, reject) => {
      const question = ++this.#last;
      this.#waiting.set(question, { resolve, reject });
      this.#post({ type: 'ask', question, input }, []);
    });

  settle(question: number, answer: ExternalAnswer): void {
    const waiting = this.#waiting.get(question);
    this.#waiting.delete(question);
    if ('plan' in answer) {
      waiting?.resolve(answer.plan);
    } else {
      waiting?.reject(new Error(answer.error));
    }
  }

  /** Gives up all questions, so that the call that asked ends. */
  giveUp(reason: string): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(reason));
    }
    this.#waiting.clear();
  }
}
