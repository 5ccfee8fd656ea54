// Files and directories as they are read, at every level.
import { type Answer, type Entry, LIST_MAX, type Query, type Stat } from '@fatty/api';
import type { View } from '@fatty/protocol';
import type { ProofQuestion } from '@fatty/verify';
import { PROVE, READ_FILE } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions, Driver } from './driver.ts';
import { clientError } from './error.ts';
import type {
  Certified,
  FileReadOptions,
  FileValue,
  Found,
  ProveOptions,
  ReadLevel,
  ReadOptions,
} from './options.ts';
import { type ReadValue, readFile } from './steps.ts';

/** What they need of their client. */
export interface ReadingClient {
  readonly driver: Driver;
  readonly defaults: CallOptions;
  /** Believed at its level, which is not `certified`. */
  read<K extends Answer['kind']>(
    query: Query,
    kind: K,
    options: ReadOptions,
  ): Promise<Found<Extract<Answer, { kind: K }>>>;
}

/** What checks proofs, loaded when somebody asks for one. */
const certified = (): Promise<typeof import('./certified.ts')> => import('./certified.ts');

/** How a read is done: by proof, or by what replicas say alike. */
type Way =
  | { readonly isCertified: true; readonly options: ProveOptions }
  | { readonly isCertified: false; readonly options: ReadOptions };

/** The reads of files and directories. */
export class FileReads {
  readonly #client: ReadingClient;

  constructor(client: ReadingClient) {
    this.#client = client;
  }

  async prove(question: ProofQuestion, options: ProveOptions): Promise<Certified> {
    const terms = { ...this.#client.defaults, ...optionsOf(PROVE, options) };
    return (await certified()).prove(this.#client.driver, question, terms);
  }

  async get(path: string, options: FileReadOptions): Promise<FileValue> {
    const way = this.#way(options);
    if (way.isCertified) {
      return (await certified()).certifiedFile(this.#client.driver, path, way.options);
    }
    const own = way.options;
    // After a linearizable read the floor of all reads is where it has to be.
    const rest = own.level === 'linearizable' ? { ...own, level: undefined } : own;
    const read: ReadValue = (query) =>
      this.#client.read(query, 'value', query.kind === 'get' ? own : rest);
    return readFile(read, path);
  }

  async stat(path: string, options: FileReadOptions): Promise<Stat> {
    const way = this.#way(options);
    if (way.isCertified) {
      return (await certified()).certifiedStat(this.#client.driver, path, way.options);
    }
    return (await this.#client.read({ kind: 'stat', path }, 'stat', way.options)).value.stat;
  }

  /** Every child, in byte order of the names. */
  async ls(path: string, options: FileReadOptions): Promise<readonly Entry[]> {
    const way = this.#way(options);
    if (way.isCertified) {
      return (await certified()).certifiedList(this.#client.driver, path, way.options);
    }
    const entries: Entry[] = [];
    let after: string | undefined;
    for (;;) {
      const query: Query = { kind: 'list', path, after, limit: LIST_MAX };
      const { value } = await this.#client.read(query, 'list', way.options);
      entries.push(...value.entries);
      after = value.entries.at(-1)?.name;
      if (!value.more || after === undefined) return entries;
    }
  }

  /** @throws FattyError `bad_argument`: what only a certified read can promise, of another */
  #way(options: FileReadOptions): Way {
    const { proof, minPosition, ...own } = optionsOf(READ_FILE, options);
    const { level = proof === true ? 'certified' : undefined, ...call } = own;
    if (level === 'certified') {
      return { isCertified: true, options: { ...this.#client.defaults, ...call, minPosition } };
    }
    if (proof !== true && minPosition === undefined) return { isCertified: false, options: own };
    const expected = 'level certified, with proof or minPosition';
    throw clientError('bad_argument', expected, String(level));
  }
}

/** One replica alone is asked for what it has; it can promise no more. */
export function viewOf(level: ReadLevel, replica: number | undefined): View {
  if (level === 'delivered') return 'delivered';
  return level === 'linearizable' && replica === undefined ? 'current' : 'committed';
}
