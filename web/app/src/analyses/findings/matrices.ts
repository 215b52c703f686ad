// Findings that are matrices at one layer: labels by experts, experts by experts, layer to layer, layers by positions.
// Where experts stand beside experts, the rows are those of the shown layer: all layers of a big model would be a million.

import { NO_LABEL } from 'moescope';
import type { LabelReport } from 'moescope';
import { barsChart, heatChart } from 'moescope/views';
import type { ChartFigure } from 'moescope/views';

import { analysesMessages as words } from '../../messages-analyses.js';
import { LEGENDS, answersOf, at, beyondChance, figureOf, percent, plain, precise, shortPercent, shownOf } from './finding.js';
import type { Context, Finding, Row } from './finding.js';

/** More rows than these are no picture; the table has all. */
const MAX_LABELS = 48;

export function domainsFinding(context: Context): Finding {
  const reports = answersOf(context.answers, (found) => (found.analysis === 'labels' ? found.answer : undefined));
  const shown = shownOf(reports, context.layer);
  const name = (label: number): string => context.labels[label] || '–';
  return context.variant === 'distance' ? distances(reports, shown, name) : labelShares(shown, name, 'Domains by experts', words.columns.domain, strongest(shown.answer, name));
}

export function vocabularyFinding(context: Context): Finding {
  const reports = answersOf(context.answers, (found) => (found.analysis === 'labels' ? found.answer : undefined)).map((report) => ({ ...report, answer: withoutUnlabelled(report.answer) }));
  const shown = shownOf(reports, context.layer);
  const texts = new Map<number, string>();
  context.trace.ids?.forEach((id, token) => texts.has(id) || texts.set(id, context.trace.strings?.[token] ?? ''));
  const name = (id: number): string => `${visibleText(texts.get(id) ?? '')} ${id}`;
  const tops = shown.answer.shares.map(({ shares }) => Math.max(...shares.map(({ value }) => value)));
  const mean = tops.reduce((sum, top) => sum + top, 0) / Math.max(1, tops.length);
  const headline = tops.length === 0
    ? 'No token occurs 10 times in these texts; choose more text.'
    : `Layer ${shown.layer}: ${tops.length} token ids occur 10 times or more; on average ${percent(mean)} of a token’s occurrences go to its favourite expert, where an even share is ${percent(shown.answer.shares[0]?.shares[0]?.chance ?? 0)}.`;
  return labelShares(shown, name, 'Tokens by experts', words.columns.token, headline);
}

function withoutUnlabelled({ shares, distances: all }: LabelReport): LabelReport {
  return {
    shares: shares.filter(({ label }) => label !== NO_LABEL).toSorted((a, b) => b.n_tokens - a.n_tokens),
    distances: all.filter(({ label }) => label !== NO_LABEL),
  };
}

type Reports = readonly { readonly layer: number; readonly answer: LabelReport }[];

function strongest({ shares }: LabelReport, name: (label: number) => string): string {
  const cells = shares.flatMap(({ label, shares: all }) => all.map((share, expert) => ({ label, expert, figure: figureOf(share) })));
  const [top] = cells.toSorted((a, b) => (b.figure.value - (b.figure.chance ?? 0)) - (a.figure.value - (a.figure.chance ?? 0)));
  return top === undefined ? '' : `${name(top.label)} goes to expert ${top.expert} for ${percent(top.figure.value)} of its tokens, where chance gives ${percent(top.figure.chance ?? 0)}. `
    + `${beyondChance(cells)} of ${cells.length} shares differ from chance.`;
}

function labelShares(shown: Reports[number], name: (label: number) => string, title: string, column: string, headline: string): Finding {
  const listed = shown.answer.shares.slice(0, MAX_LABELS);
  return {
    headline,
    picture: (width) => heatChart({
      title: `${title}, layer ${shown.layer}`, legend: LEGENDS.difference, width, format: percent, short: shortPercent, difference: true,
      axes: [column, words.columns.expert], rows: listed.map(({ label }) => name(label)),
      columns: (listed[0]?.shares ?? []).map((_, expert) => String(expert)), cells: listed.map(({ shares }) => shares.map(figureOf)),
    }),
    columns: [words.columns.layer, column, words.columns.seen, words.columns.expert],
    rows: shown.answer.shares.flatMap(({ label, n_tokens: seen, shares }) =>
      shares.map((share, expert): Row => ({ where: [shown.layer, name(label), seen, expert], figure: figureOf(share) }))),
    format: percent,
  };
}

function distances(reports: Reports, shown: Reports[number], name: (label: number) => string): Finding {
  const far = shown.answer.distances.filter(({ distance, chance_high: high }) => distance > high);
  const [farthest] = shown.answer.distances.toSorted((a, b) => b.distance - a.distance);
  return {
    headline: farthest === undefined ? '' : `Layer ${shown.layer}: ${name(farthest.label)} is routed least like the rest, ${precise(farthest.distance)} apart where as many random tokens are ${precise(farthest.chance)} apart. `
      + `${far.length} of ${shown.answer.distances.length} are farther than 39 random draws.`,
    picture: (width) => barsChart({
      title: 'Distance of each domain’s choices from everybody’s', width, format: plain,
      legend: 'Half the summed differences of shares: 0 alike, 1 disjoint. Dashed: mean of as many random tokens.',
      panels: reports.map(({ layer, answer }) => ({
        name: at(layer), bars: answer.distances.map(({ label, distance, chance }) => ({ name: name(label).slice(0, 3), value: distance, chance })),
      })),
    }),
    columns: [words.columns.layer, words.columns.domain, 'largest of 39 random draws'],
    rows: reports.flatMap(({ layer, answer }) => answer.distances.map(({ label, distance, chance, chance_high: high }): Row => ({
      where: [layer, name(label), precise(high)], figure: { value: distance, chance },
    }))),
    format: precise,
  };
}

export function coActivationFinding({ answers, layer, variant }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'co_activation' ? found.answer : undefined)).map(({ layer: place, answer }) => {
    const experts = answer.partners.map((_, expert) => expert);
    const figure = (row: number, column: number): ChartFigure | undefined => {
      const cell = row * experts.length + column;
      if (row === column) return undefined;
      if (variant === 'jaccard') return { value: answer.jaccard[cell] ?? 0, chance: answer.jaccard_chance };
      return { value: answer.conditional[cell] ?? 0, low: answer.conditional_low[cell], high: answer.conditional_high[cell], chance: answer.conditional_chance };
    };
    return { layer: place, experts, cells: experts.map((row) => experts.map((column) => figure(row, column))), partners: answer.partners };
  });
  const shown = shownOf(all, layer);
  const rows = shown.cells.flatMap((row, expert) => row.flatMap((figure, other): Row[] => (figure === undefined ? [] : [{ where: [shown.layer, expert, other], figure }])));
  const [top] = rows.toSorted((a, b) => surely(b) - surely(a));
  const partners = shown.partners.reduce((sum, count) => sum + count, 0) / Math.max(1, shown.partners.length);
  return {
    headline: top === undefined || !(top.figure.value > 0)
      ? `Layer ${shown.layer}: no two experts act on the same token.`
      : `Layer ${shown.layer}: of the tokens of expert ${top.where[1]}, ${percent(top.figure.value)} ${variant === 'jaccard' ? 'and of either are shared with' : 'have'} expert ${top.where[2]} too, where chance gives ${percent(top.figure.chance ?? 0)}; an expert has ${plain(partners)} partners on average, which act with it more than twice as often as chance.`,
    picture: (width) => heatChart({
      title: `Experts that act together, layer ${shown.layer}`, legend: LEGENDS.difference, width, format: percent, short: shortPercent, difference: true,
      axes: [words.columns.expert, words.columns.with], rows: shown.experts.map(String), columns: shown.experts.map(String), cells: shown.cells,
    }),
    columns: [words.columns.layer, words.columns.expert, words.columns.with], rows, format: percent,
  };
}

export function flowFinding({ answers, layer }: Context): Finding {
  const flows = answersOf(answers, (found) => (found.analysis === 'flow' ? found.answer : undefined)).map(({ layer: from, next, answer }) => {
    const experts = answer.share_chance.map((_, expert) => expert);
    const figure = (cell: number): ChartFigure => ({ value: answer.shares[cell] ?? 0, low: answer.low[cell], high: answer.high[cell], chance: answer.share_chance[cell % experts.length] });
    return { layer: from, next: next ?? from, experts, cells: experts.map((row) => experts.map((column) => figure(row * experts.length + column))) };
  });
  const shown = shownOf(flows, layer);
  const own = shown.cells.flatMap((row, expert) => row.map((figure, to): Row => ({ where: [shown.layer, expert, shown.next, to], figure })));
  const [top] = own.toSorted((a, b) => (surely(b) - (b.figure.chance ?? 0)) - (surely(a) - (a.figure.chance ?? 0)));
  return {
    headline: top === undefined ? '' : `From layer ${shown.layer} to ${shown.next}: of the tokens of expert ${top.where[1]}, ${percent(top.figure.value)} go on to expert ${top.where[3]}, where independent layers give ${percent(top.figure.chance ?? 0)}; ${beyondChance(own)} of ${own.length} pairs differ from that.`,
    picture: (width) => heatChart({
      title: `From layer ${shown.layer} to layer ${shown.next}`, legend: `${LEGENDS.difference} All pairs of a token’s experts count, not only those of equal rank.`, width, format: percent, short: shortPercent, difference: true,
      axes: [`layer ${shown.layer}`, `layer ${shown.next}`], rows: shown.experts.map(String), columns: shown.experts.map(String), cells: shown.cells,
    }),
    columns: [words.columns.layer, words.columns.expert, words.columns.next, words.columns.to], rows: own, format: percent,
  };
}

type TokenFigure = 'entropy' | 'top_share' | 'margin';
const UNITS: Readonly<Record<TokenFigure, { readonly title: string; readonly format: (value: number) => string; readonly mean: 'mean_entropy' | 'mean_top_share' | 'mean_margin' }>> = {
  entropy: { title: 'Entropy of the scores in nats', format: plain, mean: 'mean_entropy' },
  top_share: { title: 'Share of the best score', format: percent, mean: 'mean_top_share' },
  margin: { title: 'Margin between the last chosen and the next score', format: precise, mean: 'mean_margin' },
};

/** Positions stand in at most so many columns, each the mean of its positions. */
const MAX_COLUMNS = 120;

export function tokensFinding({ answers, layer, variant, trace }: Context): Finding {
  const name: TokenFigure = variant === 'top_share' || variant === 'margin' ? variant : 'entropy';
  const { title, format, mean } = UNITS[name];
  const figures = answersOf(answers, (found) => (found.analysis === 'tokens' ? found.answer : undefined));
  const shown = shownOf(figures, layer);
  const whole = figureOf(shown.answer[mean]);
  const bin = Math.ceil(trace.nTokens / MAX_COLUMNS);
  return {
    headline: `Layer ${shown.layer}: ${format(whole.value)} on average (95 %: ${format(whole.low ?? 0)} to ${format(whole.high ?? 0)}); equal scores give ${format(whole.chance ?? 0)}.`,
    picture: (width) => heatChart({
      title: `${title}, by layer and position`, width, format, difference: false, axes: [words.columns.layer, bin === 1 ? 'position' : `position, ${bin} to a column`],
      legend: `Equal scores give ${format(whole.chance ?? 0)}.`, rows: figures.map(({ layer: place }) => at(place)),
      columns: Array.from({ length: Math.ceil(trace.nTokens / bin) }, (_, column) => String(column * bin)),
      cells: figures.map(({ answer }) => binned(answer[name], bin).map((value): ChartFigure => ({ value }))),
    }),
    columns: [words.columns.layer, words.columns.measure],
    rows: figures.flatMap(({ layer: place, answer }) => (Object.keys(UNITS) as TokenFigure[]).map((each): Row => ({
      where: [place, words.variants[each] ?? each], figure: figureOf(answer[UNITS[each].mean]), format: UNITS[each].format,
    }))),
    format,
  };
}

function binned(values: readonly number[], bin: number): number[] {
  return Array.from({ length: Math.ceil(values.length / bin) }, (_, column) => {
    const part = values.slice(column * bin, (column + 1) * bin);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** The lower end of the interval where there is one, so that a pair seen once is not the strongest. */
function surely({ figure }: Row): number {
  return figure.low ?? figure.value;
}

/** Spaces and line ends have a sign, because a token may be nothing else. */
function visibleText(text: string): string {
  return text === '' ? '∅' : text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}
