// Numbers that a decision is tinted by, from the trace alone.

import { VERDICTS } from '../generated/routing.js';
import { decisionAt } from './data.js';
import type { TokenRecord } from './data.js';

/** How evenly the scores of a token are spread over the experts: 0 where one has all, 1 where all have the same. */
export function entropyAt(record: TokenRecord, layer: number): number | undefined {
  const decision = decisionAt(record, layer);
  if (decision === undefined || decision.nExperts < 2) return undefined;
  const scores = Array.from(decision.scores, (score) => Math.max(0, score));
  const total = scores.reduce((sum, score) => sum + score, 0);
  const nats = scores.reduce((sum, score) => (score > 0 ? sum - (score / total) * Math.log(score / total) : sum), 0);
  return nats / Math.log(decision.nExperts);
}

const OVER_CAPACITY = VERDICTS.indexOf('over_capacity');

/** Experts that were chosen for a token and turned it away because they were full. */
export function droppedAt(record: TokenRecord, layer: number): number {
  const trace = record.trace.layers.find((candidate) => candidate.layer === layer);
  if (trace === undefined) return 0;
  const row = trace.verdicts.subarray(record.row * trace.n_experts, (record.row + 1) * trace.n_experts);
  return row.reduce((count, verdict) => (verdict === OVER_CAPACITY ? count + 1 : count), 0);
}
