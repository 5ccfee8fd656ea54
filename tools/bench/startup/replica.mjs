// A replica that says when it has come how far: the honest program with a clock beside it. Started in
// the place of apps/node's main.
import { performance } from 'node:perf_hooks';

/** ms since the process began; `cpuMs`: what all its threads have used by then. */
function mark(name) {
  const { user, system } = process.cpuUsage();
  const told = { name, ms: performance.now(), cpuMs: (user + system) / 1_000 };
  process.send?.({ kind: 'mark', ...told });
}

mark('Node has started');
const { nodeMain } = await import('../../../packages/apps/node/dist/index.js');
mark('modules are read');

let committed = false;

await nodeMain(process.argv.slice(2), {
  wrap(replica) {
    mark('the self-test is done, the log is open');
    return {
      step(event) {
        const effects = replica.step(event);
        if (!committed && effects.some(({ kind }) => kind === 'committed')) {
          committed = true;
          mark('the first commit is applied');
        }
        return effects;
      },
    };
  },
});
mark('ports are open');
