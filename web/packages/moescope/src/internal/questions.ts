// The page's side of an external router: asks the visitor's function what the worker wants to know.
// Functions do not cross into a worker and a content security policy forbids to build them there, so questions travel.

import type { ExternalRouter } from '../public/types.js';
import { toWirePlan } from './plan.js';
import type { ExternalQuestion, FromPage } from './protocol.js';
import { messageOf } from './protocol.js';

type Post = (message: FromPage) => void;

export class Questions {
  readonly #post: Post;
  readonly #open = new Set<number>();
  #router: ExternalRouter | undefined;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Who answers from now on; what is still open is answered with an error, because nobody may be left to answer it. */
  use(router: ExternalRouter | undefined): void {
    this.#router = router;
    for (const question of this.#open) {
      this.#answer(question, { error: 'it was replaced while it decided' });
    }
  }

  async ask(question: number, { layer, n_tokens: nTokens, n_experts: nExperts, logits, token_ids: tokenIds }: ExternalQuestion): Promise<void> {
    this.#open.add(question);
    const router = this.#router;
    try {
      if (router === undefined) {
        throw new Error('it was removed');
      }
      const plan = toWirePlan(await router({ layer, nTokens, nExperts, logits, tokenIds }));
      this.#answer(question, { plan });
    } catch (error) {
      this.#answer(question, { error: messageOf(error) });
    }
  }

  /** Once only: a late answer to a question that was given up has nobody to go to. */
  #answer(question: number, answer: Extract<FromPage, { type: 'answer' }>['answer']): void {
    if (this.#open.delete(question)) {
      this.#post({ type: 'answer', question, answer });
    }
  }
}
