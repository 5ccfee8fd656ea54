// `fatty tour`.
import { tour } from '../tour/tour.ts';
import type { Register } from './command.ts';

interface TourFlags {
  readonly once?: boolean;
}

/** The guided tour: `npm start`. */
export const registerTour: Register = ({ cli, io, run }) => {
  cli
    .command('tour', 'Start a throw-away cell and show what it does, faults and all')
    .option('--once', 'end after the last step instead of keeping the cell up')
    .action(
      run((flags: TourFlags) => tour({ once: flags.once === true, outputFailed: io.outputFailed })),
    );
};
