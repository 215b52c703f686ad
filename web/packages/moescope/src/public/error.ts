// The one error class of the package: a stable code for programs, a message that names the remedy for people.
// Codes of the engine (top_k_too_large, tensor_missing, ...) pass through as they are; PackageErrorCode lists our own.
// Cancelling is not an error of ours: a cancelled call rejects with its signal's reason.

/** Codes that come from the package itself; the engine adds its own. */
export type PackageErrorCode =
  | 'engine_lost'
  | 'fetch_failed'
  | 'freed'
  | 'image_invalid'
  | 'image_unreadable'
  | 'internal'
  | 'no_gpu'
  | 'superseded'
  | 'weights_truncated'
  | 'worker_failed';

/** What is known about the request that failed. */
export interface ErrorDetails {
  readonly url?: string;
  readonly status?: number;
}

/** Whatever goes wrong in Moescope. */
export class MoescopeError extends Error {
  /** Stable across versions: a PackageErrorCode or a code of the engine. */
  readonly code: string;
  /** The address that could not be fetched, where that is the cause. */
  readonly url: string | undefined;
  /** The HTTP status of that address, where there was an answer. */
  readonly status: number | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'MoescopeError';
    this.code = code;
    this.url = details.url;
    this.status = details.status;
  }
}
