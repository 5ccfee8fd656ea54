// The live picture of the protocol.
import type { JSX } from 'preact';
import type { Console } from '../live/console.ts';
import { type Lane, lanesOf, ROUNDS_DRAWN_MAX, type Square } from '../model/rounds.ts';
import { Nothing, Section } from './parts.tsx';

/** Units of the drawing. */
const STEP = 14;
const SIZE = 11;
/** The same for a few rounds as for all: squares do not shrink while they become more. */
const WIDTH = ROUNDS_DRAWN_MAX * STEP;

function Block({ square, x }: { readonly square: Square; readonly x: number }): JSX.Element {
  const { stage, late, twice, leader, words } = square;
  const marks = [stage, late && 'late', twice && 'twice', leader && 'leader'].filter(Boolean);
  return (
    <g class={`block ${marks.join(' ')}`} transform={`translate(${x} 0)`}>
      <title>{words}</title>
      <rect width={SIZE} height={SIZE} rx="2" />
      {stage === 'missing' && (
        <path d={`M3 3L${SIZE - 3} ${SIZE - 3}M${SIZE - 3} 3L3 ${SIZE - 3}`} />
      )}
      {late && <circle cx={SIZE / 2} cy={SIZE / 2} r="2" />}
    </g>
  );
}

function LaneRow({ lane }: { readonly lane: Lane }): JSX.Element {
  return (
    <li>
      <span class="lane" aria-hidden="true">
        {lane.replica}
      </span>
      <svg role="img" aria-label={lane.words} viewBox={`-1 -1 ${WIDTH + 2} ${SIZE + 2}`}>
        {lane.squares.map((square, i) => (
          <Block key={square.round} square={square} x={i * STEP} />
        ))}
      </svg>
    </li>
  );
}

const LEGEND = ['made', 'delivered', 'committed', 'leader', 'late', 'missing'] as const;

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="What the squares mean">
      {LEGEND.map((name) => (
        <li key={name}>
          <svg
            aria-hidden="true"
            viewBox={`-1 -1 ${SIZE + 2} ${SIZE + 2}`}
            width={SIZE}
            height={SIZE}
          >
            <Block x={0} square={exampleOf(name)} />
          </svg>
          {name === 'leader' ? 'leader of a commit' : name}
        </li>
      ))}
    </ul>
  );
}

function exampleOf(name: (typeof LEGEND)[number]): Square {
  const stage = name === 'leader' ? 'committed' : name === 'late' ? 'made' : name;
  const rest = { round: 0, words: name, twice: false };
  return { ...rest, stage, late: name === 'late', leader: name === 'leader' };
}

/** Rounds from left to right, a lane for each replica. */
export function Protocol({ of }: { readonly of: Console }): JSX.Element {
  const rounds = of.rounds.value;
  const server = of.server.value;
  const lanes = rounds && lanesOf(rounds, of.rows.value.length);
  const first = rounds?.rounds[0]?.round;
  const last = rounds?.rounds.at(-1)?.round;
  return (
    <Section id="protocol" title="Protocol">
      {lanes === undefined || last === undefined ? (
        <Nothing>No rounds yet.</Nothing>
      ) : (
        <>
          <ol class="lanes">
            {lanes.map((lane) => (
              <LaneRow key={lane.replica} lane={lane} />
            ))}
          </ol>
          <p class="quiet">
            Rounds {first} to {last}
            {server?.resting === true && ': at rest, for nobody asks for anything'}.
          </p>
        </>
      )}
      <Legend />
      <p class="witness">
        {server === undefined
          ? 'The replica that served this page does not answer: the picture stands still.'
          : `As replica ${server.replica} has seen it (${server.state}); nobody vouches for it.`}
      </p>
    </Section>
  );
}
