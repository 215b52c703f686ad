// The words around the views: what tokens are tinted by, loads, copying and saving.

import type { Quantity } from 'moescope/views';

import type { TintName } from './state.js';

const by: Readonly<Record<TintName, string>> = {
  expert: 'First expert', entropy: 'Entropy', count: 'Number of experts', loss: 'Loss', margin: 'Margin', difference: 'Difference to trained',
};
const help: Readonly<Record<Quantity, string>> = {
  entropy: 'bits; high where the router hesitates',
  count: 'experts that act on the token',
  loss: 'nats; high where the token surprised the model',
  margin: 'score of the last expert taken above the first one not taken',
  difference: 'share of experts that only one of the two routings takes',
};

export const viewMessages = {
  tint: {
    label: 'Tint by',
    by,
    help,
    legend: 'Legend and filter',
    only: (from: string, to: string) => `Only ${from} to ${to}`,
    unknown: 'not known yet: it needs the live model to read the text',
  },
  side: {
    label: 'Beside the text', yard: 'Yard', load: 'Load',
    loadHelp: 'Share of tokens on which each expert acts; the line is the even share. A click opens the expert.',
  },
  keep: {
    label: (name: string) => `Copy or save: ${name}`,
    short: '⋯',
    csv: 'Copy CSV',
    json: 'Copy JSON',
    svg: 'Save SVG',
    png: 'Save PNG',
    copied: (rows: number) => `${rows} rows copied`,
    saved: (file: string) => `${file} saved`,
    failed: (message: string) => `Not done: ${message}`,
    nothing: 'there is nothing to draw here',
    text: 'Text', layers: 'Layers', router: 'Router',
  },
};
