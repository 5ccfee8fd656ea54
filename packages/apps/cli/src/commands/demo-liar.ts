// `fatty demo liar`: one lie, told to three protocols in the simulator. It is loaded when it is asked for.
import { isSplit, LIAR, LIAR_SHOWS, type LiarShow, type LiedTo, tellShow } from '@fatty/textbook';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { type Format, json } from '../terminal/output.ts';

const ALL = Object.keys(LIAR_SHOWS) as readonly LiedTo[];

function chosen(protocol: string | undefined): readonly LiedTo[] {
  if (protocol === undefined) return ALL;
  const one = ALL.find((name) => name === protocol);
  if (one) return [one];
  throw new ExitError(EXIT.usage, `--protocol: expected ${ALL.join(', ')}, got ${protocol}`);
}

/** Fatty has one value and names the liar and nobody else; the other two have neither. */
function endsAsItShould(show: LiarShow): boolean {
  const isNamed = show.convicted.join() === `r${LIAR}`;
  return show.protocol === 'fatty' ? !isSplit(show) && isNamed : isSplit(show);
}

/** Plays the shows and tells them; the exit code says whether each ended as it should. */
export function demoLiar(protocol: string | undefined, format: Format, io: Io): number {
  const shows = chosen(protocol).map((name) => LIAR_SHOWS[name]());
  for (const show of shows) {
    const { recording: _, ...told } = show;
    const words =
      format === 'json' ? json({ ...told, split: isSplit(show) }) : tellShow(show).join('\n');
    io.out(`${words}\n`);
  }
  return shows.every(endsAsItShould) ? EXIT.done : EXIT.refused;
}
