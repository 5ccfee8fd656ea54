import { runCli } from './cli.ts';
import { processIo } from './io.ts';

process.exitCode = await runCli(processIo());
