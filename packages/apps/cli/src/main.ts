// The program `fatty`.
import { runCli } from './cli.ts';
import { exitCodeAfter, processIo } from './terminal/io.ts';

const io = processIo();
process.exitCode = await exitCodeAfter(await runCli(io), io);
