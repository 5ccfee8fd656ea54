// Colours of a picture, by day and by night. On paper, words have a contrast of 4.5 at least, lines one of 3 (WCAG 2.1).

interface Theme {
  readonly paper: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly lane: string;
  readonly block: string;
  readonly client: string;
  readonly other: string;
  readonly commit: string;
  readonly twin: string;
  readonly lost: string;
  readonly refused: string;
  readonly alarm: string;
}

const DAY: Theme = {
  paper: '#ffffff',
  ink: '#1f2328',
  muted: '#59636e',
  grid: '#e4e8ec',
  lane: '#87919c',
  block: '#0969da',
  client: '#117a37',
  other: '#87919c',
  commit: '#8250df',
  twin: '#bf3989',
  lost: '#cf222e',
  refused: '#bc4c00',
  alarm: '#ffe2e0',
};

const NIGHT: Theme = {
  paper: '#0d1117',
  ink: '#e6edf3',
  muted: '#9198a1',
  grid: '#21262d',
  lane: '#636c76',
  block: '#539bf5',
  client: '#46c25a',
  other: '#768390',
  commit: '#b083f0',
  twin: '#f778ba',
  lost: '#f85149',
  refused: '#e0823d',
  alarm: '#4a1a1d',
};

/** A colour for lines (`.l`), for filled shapes (`.f`) and for words. */
const tint = (scope: string, colour: string): string =>
  `${scope} .l{stroke:${colour}}${scope} .f{fill:${colour}}${scope} text{fill:${colour}}`;

const COLOURS = ['block', 'client', 'other', 'commit', 'twin', 'lost', 'refused'] as const;

function coloursOf(theme: Theme): string {
  const { paper, ink, muted, grid, lane, alarm } = theme;
  const kinds = COLOURS.map((kind) => tint(`.fc .${kind}`, theme[kind]));
  return [
    `.fc .paper{fill:${paper}}.fc text{fill:${ink}}.fc .label{stroke:${paper}}`,
    `.fc .grid{stroke:${grid}}.fc .lane{stroke:${lane}}.fc .head{fill:${paper};stroke:${lane}}`,
    `.fc .muted{fill:${muted}}.fc .hollow{fill:${paper}}.fc .alarm{fill:${alarm}}`,
    `.fc .quiet{fill:${paper};stroke:${grid}}`,
    ...kinds,
    `.fc .other text.label{fill:${muted}}`,
  ].join('');
}

const SHAPES = [
  '.fc{font:10.5px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}',
  '.fc .title{font-size:16px;font-weight:600}.fc .name{font-size:12px;font-weight:600;text-anchor:middle}',
  '.fc .tick{text-anchor:end;font-variant-numeric:tabular-nums}.fc .end{text-anchor:end}',
  '.fc .label{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}',
  '.fc .l{fill:none;stroke-width:1.2}.fc .block .l,.fc .client .l,.fc .twin .l{stroke-width:1.5}',
  '.fc .lane{stroke-width:1.5}.fc .down{stroke-dasharray:2 5;opacity:.7}.fc .grid{stroke-width:1;fill:none}',
  '.fc .dash{stroke-dasharray:5 3}.fc .dots{stroke-dasharray:1.5 3}',
  '.fc .bar{fill:none;stroke-width:9;stroke-linecap:round;stroke-linejoin:round;opacity:.22}',
  '.fc .middle{text-anchor:middle}.fc .strong{font-weight:600}',
  '.fc.lit .m:not(.on),.fc.lit .t:not(.on){opacity:.13}.fc.lit .on .l{stroke-width:2.2}',
  '.fc .m:hover{opacity:1!important}.fc .m:hover .l{stroke-width:3}',
].join('');

/** The style sheet of every picture. Its rules reach into nothing else of a page that has one in it. */
export const STYLE: string = `${SHAPES}${coloursOf(DAY)}@media(prefers-color-scheme:dark){${coloursOf(NIGHT)}}`;
