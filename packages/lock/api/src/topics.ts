// Topics: what a watch is about.
import { parentPath, splitPath } from './path.ts';

const NODE = 'node ';
const TREE = 'tree ';

/** What a gateway is asked to watch: a node and what stands in it, or (`recursive`) all below it. */
export function topicOf(path: string, recursive: boolean): string {
  return (recursive ? TREE : NODE) + path;
}

/** Whether this text may come from {@link topicOf}. */
export function isTopic(text: string): boolean {
  if (!text.startsWith(NODE) && !text.startsWith(TREE)) return false;
  return splitPath(text.slice(NODE.length)).ok;
}

/** The topics that an event at this path belongs to, at most 35. */
export function topicsOf(path: string): readonly string[] {
  const topics = [NODE + path, TREE + path];
  if (path === '/') return topics;
  const parent = parentPath(path);
  topics.push(NODE + parent);
  for (let above = parent; above !== '/'; above = parentPath(above)) topics.push(TREE + above);
  return [...topics, `${TREE}/`];
}
