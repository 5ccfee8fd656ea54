// Loaded before a replica: from SIGUSR2 on, its disk is full. Its output still arrives.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { write } = fs;
process.on('SIGUSR2', () => {
  fs.write = (fd, ...call) => {
    if (fd <= 2) return write(fd, ...call);
    const error = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return call.at(-1)(error);
  };
  syncBuiltinESMExports();
});
