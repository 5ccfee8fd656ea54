// `fatty explain`: tells a failed world in words.
import { CHART_FORMATS } from './chart-draw.ts';
import { type Register, withFormat } from './command.ts';
import type { ExplainFlags } from './explain-run.ts';

/** explain NET, explain FILE. */
export const registerExplain: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command('explain <what>', 'Tell why a world of a net fails: its file, or a net and --seed'),
  )
    .option('--seed <n>', 'of a net: the world to look at; default 1')
    .option('--runs <n>', 'of a net: so many worlds from there on, up to the first that fails')
    .option('--net <module>', 'of a file whose net is your own: ./mine.js')
    .option('--out <file>', 'the chart beside the words; default: NAME-explained.svg here')
    .option('--as <format>', `how it is drawn: ${CHART_FORMATS.join(', ')}; default: by its ending`)
    .action(
      run(async (what: string, flags: ExplainFlags) => {
        const { explain } = await import('./explain-run.ts');
        return explain(what, flags, io);
      }),
    );
};
