// What went wrong, told in whatever language is in use when it is read: an error that stands on the page follows a switch.

import { MoescopeError } from 'moescope';

import { messages } from './messages.js';

/** A sentence in the language in use. */
export type Said = () => string;

export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** An error of the page itself. */
export class PageError extends MoescopeError {
  readonly say: Said;

  constructor(code: string, say: Said) {
    super(code, say());
    [this.name, this.say] = ['PageError', say];
  }
}

/** Code and message of whatever was thrown. The message is a getter: to spread the problem would fix its language. */
export function explain(error: unknown): Problem {
  return {
    code: error instanceof MoescopeError ? error.code : 'internal',
    get message() {
      if (error instanceof PageError) return error.say();
      if (error instanceof MoescopeError) return messages.errors.said(error.code, error.message);
      return error instanceof Error ? error.message : String(error);
    },
  };
}
