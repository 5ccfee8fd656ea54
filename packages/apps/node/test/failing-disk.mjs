// Loaded before a replica: SIGUSR2 breaks its disk, and mends it again. Its output still arrives.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const TEXTS = { ENOSPC: 'no space left on device', EIO: 'i/o error' };
// failing-disk.mjs?EIO
const code = new URL(import.meta.url).search.slice(1) || 'ENOSPC';
const { write } = fs;
process.on('SIGUSR2', () => {
  const broken = (fd, ...call) => {
    if (fd <= 2) return write(fd, ...call);
    return call.at(-1)(Object.assign(new Error(`${code}: ${TEXTS[code]}`), { code }));
  };
  fs.write = fs.write === write ? broken : write;
  syncBuiltinESMExports();
});
