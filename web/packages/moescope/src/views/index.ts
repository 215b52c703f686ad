// The views: pure functions from traces to descriptions of elements, and `render`, which puts those into a page.
// Views never fetch and never touch the engine; whoever embeds them brings the data and the style sheet.

export { DEFAULT_SPEC } from '../generated/routing.js';
export * from './alone-view.js';
export * from './bars-chart.js';
export { standing } from './chart.js';
export type { ChartFigure, ChartFrame } from './chart.js';
export * from './class-bars.js';
export * from './colour.js';
export * from './data.js';
export * from './divergence.js';
export * from './element.js';
export * from './expert-facts.js';
export * from './flops.js';
export * from './gauge-view.js';
export * from './heat-chart.js';
export { kept } from './kept.js';
export type { Kept } from './kept.js';
export * from './layer-grid.js';
export * from './lines-chart.js';
export * from './load-view.js';
export * from './measures.js';
export * from './numbers.js';
export * from './patch-view.js';
export * from './paths-view.js';
export type { OnPlace, Places } from './places.js';
export * from './quantities.js';
export { render } from './render.js';
export * from './router-view.js';
export * from './tables.js';
export * from './tint.js';
export * from './token-text.js';
export * from './token-view.js';
export * from './words.js';
export * from './words-zh.js';
