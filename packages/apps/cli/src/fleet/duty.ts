// What every process of the fleet works with.
import type { Client } from '@fatty/client/node';
import type { PlannedJob } from './graph.ts';
import type { Told } from './messages.ts';

/** What every process of the fleet works with. */
export interface Post {
  readonly client: Client;
  readonly jobs: readonly PlannedJob[];
  readonly tell: (told: Told) => void;
}

/** What a process does until its end. */
export type Duty = (post: Post) => Promise<void>;

/** Resolves after so many ms. */
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** For a process that has nothing more to do and lives on: its channel keeps it. */
export const forEver = (): Promise<never> => new Promise<never>(() => undefined);
