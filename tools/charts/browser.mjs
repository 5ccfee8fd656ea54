// Where this machine has a Chromium.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const BROWSERS = ['chromium', 'chromium-headless-shell', 'google-chrome'];

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** CHROMIUM_PATH first, then the usual names on the PATH; undefined where there is none. */
export function findBrowser() {
  const named = process.env.CHROMIUM_PATH;
  if (named) return executable(named) ? named : undefined;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}
