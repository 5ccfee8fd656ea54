export * from './ascii.ts';
export { mergeTraces } from './causal-order.ts';
export {
  CHARACTERS_MAX,
  type Chart,
  type ChartOptions,
  type ChartWindow,
  chart,
  ROWS_MAX,
} from './chart.ts';
export { escapeLabel } from './escape.ts';
export * from './json-lines.ts';
export * from './recorder.ts';
