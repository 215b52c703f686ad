// Download progress in words, not more often than a person can read.

import type { Progress } from '../public/types.js';

const INTERVAL_MS = 50;

/** A byte counter that reports at most every 50 ms, and always at the end of a download of known size. */
export function byteProgress(
  phase: Progress['phase'],
  doing: string,
  report: (progress: Progress) => void,
): (loaded: number, total: number | undefined) => void {
  let last = -Infinity;
  return (loaded, total) => {
    const now = performance.now();
    if (now - last < INTERVAL_MS && loaded !== total) {
      return;
    }
    last = now;
    const amount = total === undefined ? megabytes(loaded) : `${megabytes(loaded)} of ${megabytes(total)}`;
    report({ phase, loaded, total, message: `${doing}: ${amount}` });
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
