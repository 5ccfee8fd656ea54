// Runs as sequence charts: Mermaid and ASCII.
export * from './ascii.ts';
export { findBroken, nameTwins } from './blocks.ts';
export { mergeTraces } from './causal-order.ts';
export { alignClocks } from './clocks.ts';
export { escapeLabel } from './escape.ts';
export { type ChartQuery, isBrief, shownBy } from './filters.ts';
export * from './json-lines.ts';
export {
  CHARACTERS_MAX,
  type Chart,
  type ChartOptions,
  type ChartWindow,
  chart,
  ROWS_MAX,
} from './mermaid.ts';
export * from './recorder.ts';
