// `node tools/mutants.mjs [NAME…]`: breaks the code on purpose, one line at a time, and demands that
// the named test goes red; then puts the line back. `--table` writes tests/MUTANTS.md, which tells what each of them means.
// Needs a clean work tree, so that nothing of yours is ever lost.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants-list.mjs';
import { tableOf } from './mutants-table.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const REGRESSIONS = 'tests/regressions';

function refuseDirtyTree() {
  const out = execFileSync('git', ['status', '--porcelain', 'packages', REGRESSIONS], {
    cwd: root,
    encoding: 'utf8',
  });
  if (out === '') return;
  console.error(`Commit or put aside your changes under packages and ${REGRESSIONS} first.`);
  process.exit(2);
}

/** A net that notices files the world it broke in; these broke on purpose. */
function dropFiledWorlds() {
  execFileSync('git', ['clean', '-fq', REGRESSIONS], { cwd: root });
}

function isRed({ projects, test }) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', 'tests/vitest.config.ts', '--bail', '1'];
  const where = projects.flatMap((project) => ['--project', project]);
  // A test that is not found has noticed nothing.
  const all = [...args, '--passWithNoTests', ...where, test];
  const { status } = spawnSync(process.execPath, all, {
    cwd: root,
    stdio: 'ignore',
  });
  return status !== 0;
}

function tryMutant(mutant) {
  const path = join(root, mutant.file);
  const honest = readFileSync(path, 'utf8');
  if (honest.split(mutant.find).length !== 2) return 'the line to break is not there exactly once';
  writeFileSync(
    path,
    honest.replace(mutant.find, () => mutant.replace),
  );
  try {
    return isRed(mutant) ? 'killed' : 'SURVIVED';
  } finally {
    writeFileSync(path, honest);
    dropFiledWorlds();
  }
}

if (process.argv.includes('--table')) {
  writeFileSync(join(root, 'tests', 'MUTANTS.md'), tableOf(MUTANTS));
  process.exit(0);
}
refuseDirtyTree();
const wanted = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const verdicts = chosen.map((mutant) => {
  const verdict = tryMutant(mutant);
  console.log(`${verdict.padEnd(10)} ${mutant.name}: ${mutant.test}`);
  return verdict;
});
process.exit(verdicts.every((verdict) => verdict === 'killed') ? 0 : 1);
