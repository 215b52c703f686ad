// One sentence about a strategy, for a student, put together from the stages of its spec.
// What a stage leaves as it is, is not mentioned; bans and temperature have controls of their own.

import type { RouterSpec } from 'moescope';

import { messages } from './messages.js';
import { completed, settingsOf, short, topKOf } from './spec.js';

export function explainSpec(given: Partial<RouterSpec>, nExperts: number): string {
  const spec = completed(given);
  return messages.strategy.says.sentence(`${groups(spec, nExperts)}${selection(spec, nExperts)}`, weights(spec), [...skips(spec), ...limits(spec)]);
}

/** In a group of one, its best two experts are its one. */
function groups({ restrict }: RouterSpec, nExperts: number): string {
  const { n_groups: count, topk_groups: open, group_score: by } = restrict;
  return open < count ? messages.strategy.says.groups(count, open, count < nExperts ? by : 'max') : '';
}

function selection(spec: RouterSpec, nExperts: number): string {
  const { select, score, restrict, adjust, limit } = spec;
  const [first] = Object.entries(settingsOf(select));
  return messages.strategy.says.method(select.method, {
    by: messages.strategy.says.score(score.function),
    topK: topKOf(spec) ?? 1,
    nExperts,
    inside: Math.round((nExperts * restrict.topk_groups) / restrict.n_groups),
    filled: restrict.topk_groups < restrict.n_groups && restrict.group_fill === 'zero',
    nulls: adjust.null_rule === 'none' ? 0 : adjust.null_experts || nExperts,
    number: first === undefined ? '' : select.method === 'threshold' ? short(first[1]) : percent(first[1]),
    capacity: limit.capacity_factor == null ? undefined : short(limit.capacity_factor),
  });
}

function weights({ weigh, select }: RouterSpec): string {
  if (select.method === 'external') return messages.strategy.says.given;
  if (weigh.from === 'equal' && weigh.renormalize) return messages.strategy.says.weight('equal');
  if (weigh.from === 'scores' && weigh.renormalize) return messages.strategy.says.sumTo(short(weigh.scale));
  const [plain, scale] = [weigh.scale === 1, short(weigh.scale)];
  if (weigh.from === 'scores') return plain ? messages.strategy.says.asItIs : messages.strategy.says.scoreTimes(scale);
  return messages.strategy.says.weight(weigh.from) + (plain ? '' : messages.strategy.says.times(scale));
}

function skips({ prune, weigh }: RouterSpec): string[] {
  const shares = [prune.share, ...prune.layer_thresholds].filter((share) => share > 0);
  const lost = weigh.renormalize && weigh.sum_over === 'chosen' ? messages.strategy.says.notMadeUp : '';
  return [
    ...(prune.ratio > 0 ? [messages.strategy.says.lessThanHeaviest(percent(prune.ratio))] : []),
    ...shares.map((share) => messages.strategy.says.lessThanShare(percent(share))),
  ].map((clause) => clause + lost);
}

/** Expert choice says its capacity where it says how it chooses. */
function limits({ limit, select }: RouterSpec): string[] {
  if (limit.capacity != null) return [messages.strategy.says.places(limit.capacity)];
  return limit.capacity_factor == null || select.method === 'expert_choice' ? [] : [messages.strategy.says.capacity(short(limit.capacity_factor))];
}

function percent(share: number): string {
  return `${short(share * 100)} %`;
}
