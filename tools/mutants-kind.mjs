// Which test must notice a deliberate mistake.

/** A unit test, or all of a folder: its inputs are fixed. */
export const unit = (path) => ({ projects: ['unit', 'alone'], test: path });

/** A net: it runs no more worlds than this before it notices. */
export const nets = (path, worlds) => ({ projects: ['nets'], test: path, worlds });
