// Runs as charts (Mermaid, ASCII, SVG), and for other tools.

export { otlpTrace } from './formats/otlp.ts';
export { perfettoTrace } from './formats/perfetto.ts';
export { SHIVIZ_REGEX, shivizLog } from './formats/shiviz.ts';
export { findBroken, nameTwins } from './run/blocks.ts';
export { mergeTraces } from './run/causal-order.ts';
export { alignClocks } from './run/clocks.ts';
export { escapeLabel } from './run/escape.ts';
export { type ChartQuery, isBrief, shownBy } from './run/filters.ts';
export * from './run/json-lines.ts';
export { findOps, type OpStory, opStories } from './run/ops.ts';
export * from './run/recorder.ts';
export { causalPast } from './story/past.ts';
export { type Story, type StoryLine, type StoryQuestion, storyOf } from './story/story.ts';
export type { SvgWindow } from './svg/overview.ts';
export {
  MARKS_MAX,
  preparedRun,
  type SvgChart,
  type SvgOptions,
  svgChart,
} from './svg/svg.ts';
export * from './text/ascii.ts';
export {
  CHARACTERS_MAX,
  type Chart,
  type ChartOptions,
  type ChartWindow,
  chart,
  ROWS_MAX,
} from './text/mermaid.ts';
