// Help: the commands in groups, and examples of each.
import type { CAC } from 'cac';

/** What belongs together, in the order in which it is shown. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'A cell': ['init', 'keygen', 'up', 'node', 'member', 'join', 'backup', 'restore', 'doctor'],
  'How it is': ['status', 'top', 'members', 'evidence', 'bench', 'console'],
  Files: ['get', 'put', 'mkdir', 'ls', 'stat', 'rm', 'txn', 'watch', 'wait', 'acl', 'key'],
  Locks: ['lock', 'elect', 'session'],
  'Machines and jobs': ['machine', 'job'],
  'Proofs and programs': ['cert', 'proof', 'cairo'],
  'Your own algorithm': ['op'],
  'To look and to try': ['tour', 'demo', 'net', 'explain', 'chart'],
  'This command': ['context', 'completion'],
};

/** Lines that can be typed; a test reads each as the shell would hand it over. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: ['fatty init --dir cell --replicas 4'],
  keygen: ['fatty keygen --dir member'],
  up: ['fatty up', 'fatty up --dir cell --record runs'],
  node: ['fatty node --dir cell/replica-0'],
  member: ['fatty member list', 'fatty member renew --dir cell/replica-0 --yes -o json'],
  join: ['fatty join --cell CELL_ID --from 10.0.0.1:7420 --dir member'],
  backup: ['fatty backup cell --out copy'],
  restore: ['fatty restore copy cell'],
  doctor: ['fatty doctor'],
  status: ['fatty status', 'fatty status --for healthy --timeout 60000'],
  top: ['fatty top', 'fatty top --once -o json'],
  members: ['fatty members'],
  evidence: ['fatty evidence -o json'],
  console: ['fatty console', 'fatty console --open'],
  get: ['fatty get /config', 'fatty get /config --proof --out config.proof'],
  put: ['fatty put /config hello -p', 'fatty put /config --file config.json'],
  mkdir: ['fatty mkdir /app/config -p'],
  ls: ['fatty ls /app'],
  stat: ['fatty stat /config -o json'],
  rm: ['fatty rm /app -r'],
  txn: ['fatty txn swap.json', 'fatty txn - -o json'],
  watch: ['fatty watch /app -r', 'fatty watch /app --from 23.4 --count 1 -o json'],
  wait: ['fatty wait /app/ready --for exists', 'fatty wait /lock --for free --timeout 5000'],
  acl: ['fatty acl get /config', 'fatty acl grant /config write group:ops'],
  key: ['fatty key show', 'fatty key rotate new.pem --key me.pem', 'fatty key revoke KEY'],
  lock: ['fatty lock /jobs/nightly -- ./nightly.sh', 'fatty lock /jobs/nightly --try'],
  elect: [
    'fatty elect /app/leader https://a.example -- ./serve',
    'fatty elect /app/leader --leader',
    'fatty elect /app/leader --observe -o json',
  ],
  session: ['fatty session'],
  op: ['fatty op submit 83010203', 'fatty op query --json 7'],
  tour: ['fatty tour'],
  demo: ['fatty demo fleet', 'fatty demo liar --protocol raft'],
  net: [
    'fatty net locks --seed 1 --runs 10',
    'fatty net locks --seed 1 --runs 1 --chart world.svg',
  ],
  explain: ['fatty explain locks --seed 7 --runs 50', 'fatty explain locks-37a5bb8a.json'],
  chart: [
    'fatty chart runs --brief --ascii',
    'fatty chart runs --op acquire --out run.svg',
    'fatty chart runs/r0.jsonl runs/r1.jsonl --as shiviz --out run.log',
  ],
  context: ['fatty context set prod --cell cell.json --key me.pem', 'fatty context use prod'],
  bench: ['fatty bench', 'fatty bench --clients 1,8 --loads put --for 1000 -o json'],
  completion: ['fatty completion bash'],
};

/** Puts the examples on the commands that have none of their own. */
export function addExamples(cli: CAC): void {
  for (const command of cli.commands) {
    if (command.examples.length > 0) continue;
    for (const line of EXAMPLES[command.name] ?? []) command.example(line);
  }
}

/** A part of what `--help` prints. */
export interface Section {
  readonly title?: string;
  readonly body: string;
}

/** The list of all commands, in groups; what is in none stands last. */
export function groupsOf(cli: CAC): readonly Section[] {
  const named = new Set(Object.values(GROUPS).flat());
  const others = cli.commands.map(({ name }) => name).filter((name) => !named.has(name));
  const width = Math.max(...cli.commands.map(({ rawName }) => rawName.length));
  return Object.entries({ ...GROUPS, Others: others }).flatMap(([title, names]) => {
    const lines = names.flatMap((name) =>
      cli.commands
        .filter((command) => command.name === name)
        .map(({ rawName, description }) => `  ${rawName.padEnd(width)}  ${description}`),
    );
    return lines.length === 0 ? [] : [{ title, body: lines.join('\n') }];
  });
}

/** Of a general help: the groups in place of the long lists. */
export function withGroups(cli: CAC, sections: readonly Section[]): readonly Section[] {
  const [head, usage, , , ...rest] = sections;
  if (head === undefined || usage === undefined) return sections;
  const more = { title: 'One command, with examples', body: '  $ fatty COMMAND --help' };
  return [head, usage, ...groupsOf(cli), more, ...rest];
}
