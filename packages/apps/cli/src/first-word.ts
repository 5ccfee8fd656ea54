// Which commands a line needs: a command loads its own modules, and not those of all others.
import type { Register } from './commands/command.ts';

type Load = () => Promise<Register>;

const cell: Load = async () => (await import('./commands/cell.ts')).registerCell;
const backup: Load = async () => (await import('./commands/backup.ts')).registerBackup;
const member: Load = async () => (await import('./commands/member.ts')).registerMember;
const files: Load = async () => (await import('./commands/files.ts')).registerFiles;
const acl: Load = async () => (await import('./commands/acl.ts')).registerAcl;
const key: Load = async () => (await import('./commands/key.ts')).registerKey;
const txn: Load = async () => (await import('./commands/txn.ts')).registerTxn;
const lock: Load = async () => (await import('./commands/lock.ts')).registerLock;
const elect: Load = async () => (await import('./commands/elect.ts')).registerElect;
const op: Load = async () => (await import('./commands/op.ts')).registerOp;
const session: Load = async () => (await import('./commands/session.ts')).registerSession;
const cert: Load = async () => (await import('./commands/cert.ts')).registerCert;
const net: Load = async () => (await import('./commands/net.ts')).registerNet;
const status: Load = async () => (await import('./commands/status.ts')).registerStatus;
const top: Load = async () => (await import('./commands/top.ts')).registerTop;
const evidence: Load = async () => (await import('./commands/evidence.ts')).registerEvidence;
const doctor: Load = async () => (await import('./commands/doctor.ts')).registerDoctor;
const wait: Load = async () => (await import('./commands/wait.ts')).registerWait;
const watch: Load = async () => (await import('./commands/watch.ts')).registerWatch;

/** By the name of a command, which stands first on its line; what is not here comes with all commands. */
export const LOADERS: ReadonlyMap<string, Load> = new Map([
  ['init', cell],
  ['keygen', cell],
  ['up', cell],
  ['node', cell],
  ['backup', backup],
  ['restore', backup],
  ['member', member],
  ['join', member],
  ['get', files],
  ['put', files],
  ['mkdir', files],
  ['ls', files],
  ['stat', files],
  ['rm', files],
  ['acl', acl],
  ['key', key],
  ['txn', txn],
  ['lock', lock],
  ['elect', elect],
  ['op', op],
  ['session', session],
  ['members', session],
  ['cert', cert],
  ['net', net],
  ['status', status],
  ['top', top],
  ['evidence', evidence],
  ['doctor', doctor],
  ['wait', wait],
  ['watch', watch],
] as const);

/** What a line with this first word needs. */
export async function commandsFor(word: string | undefined): Promise<readonly Register[]> {
  const load = word === undefined ? undefined : LOADERS.get(word);
  return load === undefined ? (await import('./every.ts')).EVERY : [await load()];
}
