// One sentence about a strategy, for a student, put together from the stages of its spec.
// What a stage leaves as it is, is not mentioned; bans and temperature have controls of their own.

import type { RouterSpec } from 'moescope';

import { messages } from './messages.js';
import { completed, settingsOf, short, topKOf } from './spec.js';

const { says } = messages.strategy;

export function explainSpec(given: Partial<RouterSpec>, nExperts: number): string {
  const spec = completed(given);
  const clauses = [`${groups(spec)}${selection(spec, nExperts)}, ${weights(spec)}`, ...skips(spec), ...limits(spec)];
  const text = clauses.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function groups({ restrict }: RouterSpec): string {
  const { n_groups: count, topk_groups: open, group_score: by } = restrict;
  return open < count ? says.groups(count, open, by) : '';
}

function selection(spec: RouterSpec, nExperts: number): string {
  const { select, score, restrict, adjust, limit } = spec;
  const [first] = Object.entries(settingsOf(select));
  const closed = restrict.group_fill === 'zero' ? 0 : 1 - restrict.topk_groups / restrict.n_groups;
  return says.method(select.method, {
    by: says.score(score.function),
    topK: topKOf(spec) ?? 1,
    open: Math.round(nExperts * (1 - closed)),
    nulls: adjust.null_rule === 'none' ? 0 : adjust.null_experts || nExperts,
    number: first === undefined ? '' : select.method === 'threshold' ? short(first[1]) : percent(first[1]),
    capacity: limit.capacity_factor == null ? undefined : short(limit.capacity_factor),
  });
}

function weights({ weigh }: RouterSpec): string {
  if (weigh.from === 'equal' && weigh.renormalize) return says.weight('equal');
  if (weigh.from === 'scores' && weigh.renormalize) return says.sumTo(short(weigh.scale));
  const source = weigh.from === 'scores' ? says.asItIs : says.weight(weigh.from);
  return source + (weigh.scale === 1 ? '' : says.times(short(weigh.scale)));
}

function skips({ prune }: RouterSpec): string[] {
  const shares = [prune.share, ...prune.layer_thresholds].filter((share) => share > 0);
  return [
    ...(prune.ratio > 0 ? [says.lessThanHeaviest(percent(prune.ratio))] : []),
    ...shares.map((share) => says.lessThanShare(percent(share))),
  ];
}

/** Expert choice says its capacity where it says how it chooses. */
function limits({ limit, select }: RouterSpec): string[] {
  if (limit.capacity != null) return [says.places(limit.capacity)];
  return limit.capacity_factor == null || select.method === 'expert_choice' ? [] : [says.capacity(short(limit.capacity_factor))];
}

function percent(share: number): string {
  return `${short(share * 100)} %`;
}
