// The process of the clients of one system (`node process.mjs NAME`): it is told what to do over its
// channel, so that its CPU is counted apart from that of the servers and of who starts them.
import { closedLoop, nextWrite } from './loop.mjs';

const adapter = await import(`./${process.argv[2]}.mjs`);
let opened;
let armed;

async function close() {
  const all = [opened, armed];
  opened = undefined;
  armed = undefined;
  for (const one of all) await one?.close();
}

const TASKS = {
  close,
  async open({ where, count }) {
    await close();
    opened = await adapter.open(where, count);
  },
  run: ({ work, ...until }) => closedLoop(opened.workers, work, until),
  /** Writers that have written, so that a fault finds them at work. */
  async arm({ where }) {
    await close();
    armed = await adapter.openWriters(where);
    for (const write of armed.writers) for (let i = 0; i < 5; i++) await write();
  },
  nextWrite: () => nextWrite(armed.writers),
};

// A Ctrl-C is for the bench, which then closes the channel.
for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) process.on(name, () => undefined);
process.on('disconnect', () => process.exit(0));

async function answer({ id, task, ...terms }) {
  try {
    process.send({ id, value: await TASKS[task](terms) });
  } catch (error) {
    process.send({ id, error: error?.message ?? String(error) });
  }
}

process.on('message', (message) => void answer(message));
process.send({ id: 0 });
