import mine from './mine.mjs';

/** A mistake in the net itself. */
export const throwing = {
  ...mine,
  act: () => ({
    ...mine.act(),
    perform() {
      throw new Error('my own mistake');
    },
  }),
};
