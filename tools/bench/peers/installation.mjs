// What the comparison needs and the project does not bring: the peers' programs, which the system has
// or has not, and their npm clients, which are installed here when they are first needed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const JAR = '/usr/share/java/zookeeper.jar';

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * The programs of the peers, or a line that says what is missing. ETCD_PATH and ZOOKEEPER_JAR name
 * those that are elsewhere than Debian's packages put them.
 */
export function findPeers() {
  const etcd = process.env.ETCD_PATH ?? onPath('etcd');
  const java = onPath('java');
  const jar = process.env.ZOOKEEPER_JAR ?? JAR;
  const hasZookeeper = java !== undefined && existsSync(jar);
  return {
    etcd: etcd && isExecutable(etcd) ? { program: etcd } : undefined,
    zookeeper: hasZookeeper ? { java, jar } : undefined,
  };
}

/** Installs the clients of the lock file beside this file. Answers whether they are there. */
export function installClients() {
  if (existsSync(join(here, 'node_modules', '.package-lock.json'))) return true;
  console.log('First run: installing the npm clients of etcd and ZooKeeper.');
  const cli = process.env.npm_execpath;
  const [program, first] = cli ? [process.execPath, [cli]] : ['npm', []];
  const flags = [
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const stdio = ['ignore', 'ignore', 'inherit'];
  return spawnSync(program, [...first, 'ci', ...flags], { cwd: here, stdio }).status === 0;
}
